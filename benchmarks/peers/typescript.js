// The vendor's TypeScript SDK: one line of JSON in, the work, one line out.
const readline = require('node:readline');
const { default: Platform } = require('@oursprivacy/platform-sdk');

const [url, apiKey] = process.argv.slice(2);
const client = new Platform({ apiKey, baseURL: url });

const works = {
  async list({ limit }) {
    let count = 0;
    for await (const _ of client.experiments.list({ limit })) count += 1;
    return count;
  },
  async start({ count, inFlight }) {
    let next = 0;
    let published = 0;
    const worker = async () => {
      while (next < count) {
        const id = `exp_${String(next++).padStart(26, '0')}`;
        const answer = await client.experiments.start(id);
        if (answer.publishStatus === 'published') published += 1;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    return published;
  },
};

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    const cpu = process.cpuUsage();
    const started = process.hrtime.bigint();
    const done = await works[request.work](request);
    const seconds = Number(process.hrtime.bigint() - started) / 1e9;
    const { user, system } = process.cpuUsage(cpu);
    console.log(JSON.stringify({ done, s: seconds, 's CPU': (user + system) / 1e6 }));
  }
})();
