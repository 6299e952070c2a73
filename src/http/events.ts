import type { Response } from 'express';

import type { EventSource, ServerEvent } from '../kernel/server-event.ts';

/** JSON holds no line break, so one `data` line is enough. */
function frame(event: ServerEvent | null): string {
  return event === null ? ':\n\n' : `id: ${event.id}\nevent: ${event.name}\ndata: ${JSON.stringify(event.data)}\n\n`;
}

async function written(response: Response, text: string): Promise<void> {
  await new Promise<void>((done) => {
    response.once('close', done);
    response.write(text, () => {
      response.off('close', done);
      done();
    });
  });
}

/** Sends a live stream of events; ends with it, or when the reader is gone. Never media: text alone. */
export async function writeEvents(response: Response, events: EventSource): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.status(200).set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
  response.flushHeaders();
  for await (const event of events(gone.signal)) {
    if (gone.signal.aborted) return;
    await written(response, frame(event));
  }
  response.end();
}
