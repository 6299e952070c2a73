/** Asks until the answer is yes; fails by name after `timeoutMs`. For effects that another process or a job makes. */
export async function until(ask: () => Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await ask())) {
    if (performance.now() > end) throw new Error(`Not within ${timeoutMs} ms: ${ask.toString().slice(0, 120)}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}
