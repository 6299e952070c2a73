import fc from 'fast-check';

/** A changed operator only has to be noticed: nobody reads the smallest example of it. */
fc.configureGlobal({ endOnFailure: true });
