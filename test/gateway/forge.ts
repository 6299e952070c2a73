import pg from 'pg';

/** One transaction by hand as this role; answers the constraint that refused it. */
export async function byHand(url: string, statements: readonly [string, unknown[]?][]): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('BEGIN');
    for (const [text, params] of statements) await client.query(text, params);
    await client.query('COMMIT');
    return 'committed';
  } catch (error) {
    return error instanceof pg.DatabaseError ? (error.constraint ?? error.code ?? error.message) : 'another error';
  } finally {
    await client.end();
  }
}

/** What a forger may choose; the rest is copied from an output that was really allowed. */
export interface Forgery {
  script?: string;
  periodId?: string;
  releasedAt: Date;
  /** How far the forger goes. */
  until?: 'output' | 'release';
}

/**
 * A whole output by raw SQL, as the service's role could write it: a decision copied from a real one with the gates'
 * present epochs put in, a hold, the output with a consent that lasts for ever, its release.
 */
export function forgery(name: string, outputId: string, { script, periodId, releasedAt, until = 'release' }: Forgery): [string, unknown[]?][] {
  const [decision, output, hold, release] = [`dec_${name}`, `out_${name}`, `hld_${name}`, `rel_${name}`];
  const made: [string, unknown[]?][] = [
    [`INSERT INTO decision (id, clone_id, requester, allowed, clauses, grant_id, grant_digest, version_id, at, receipt)
      SELECT $2, d.clone_id, d.requester, true, d.clauses, d.grant_id, d.grant_digest, d.version_id, d.at,
        jsonb_set(d.receipt::jsonb, '{document,state,gates}', (
          SELECT jsonb_agg(jsonb_build_object('gateId', g.id, 'kind', g.kind, 'state', g.state, 'epoch', g.epoch::text))
          FROM gate AS g WHERE g.id IN (SELECT seen ->> 'gateId' FROM json_array_elements(d.receipt #> '{document,state,gates}') AS seen)))::json
      FROM decision AS d JOIN output AS o ON o.decision_id = d.id WHERE o.id = $1`, [outputId, decision]],
    [`INSERT INTO quota_hold (id, clone_id, period_id, output_id, held_at)
      SELECT $2, h.clone_id, coalesce($4, h.period_id), $3, h.held_at
      FROM quota_hold AS h JOIN output AS o ON o.hold_id = h.id WHERE o.id = $1`, [outputId, hold, output, periodId ?? null]],
    [`INSERT INTO output (id, clone_id, requester, audience, capability, language, purpose, script, territory, decision_id, version_id,
        grant_id, grant_digest, gates, expires_at, hold_id, probe, state, requested_at, changed_at)
      SELECT $2, clone_id, requester, audience, capability, language, purpose, coalesce($5, script), territory, $3, version_id,
        grant_id, grant_digest, gates, '2099-01-01T00:00:00Z', $4, probe, 'queued', requested_at, changed_at
      FROM output WHERE id = $1`, [outputId, output, decision, hold, script ?? null]],
  ];
  if (until === 'output') return made;
  return [
    ...made,
    [`UPDATE output SET state = 'rendering' WHERE id = $1`, [output]],
    [`UPDATE output SET state = 'signing' WHERE id = $1`, [output]],
    [`INSERT INTO release (id, clone_id, output_id, file_sha256, file_bytes, samples_sha256, leaf_id, receipt, released_at)
      SELECT $2, clone_id, id, encode(sha256(id::bytea), 'hex'), 1, encode(sha256(id::bytea), 'hex'), 'lef_1', '{}', $3
      FROM output WHERE id = $1`, [output, release, releasedAt]],
    [`UPDATE quota_hold SET state = 'captured', release_id = $2, settled_at = $3 WHERE id = $1`, [hold, release, releasedAt]],
    [`UPDATE output SET state = 'released' WHERE id = $1`, [output]],
  ];
}
