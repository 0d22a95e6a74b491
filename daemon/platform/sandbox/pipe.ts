/**
 * MCP on the pipes of this process, for agents that start their MCP servers as programs: what comes in goes to the attempt's door,
 * and back. `where` is a socket, or a port of this machine's loopback; the token comes by SIGNALBOX_MCP_TOKEN.
 */
import { writeSync } from 'node:fs';
import { connect } from 'node:net';

/** Joins standard input and output with the door; ends the process when either side ends. */
export function pipeToDoor(where: string): void {
  const token = process.env['SIGNALBOX_MCP_TOKEN'] ?? '';
  const door = /^\d{1,5}$/.test(where) ? connect(Number(where), '127.0.0.1') : connect(where);
  const give = (why: string): never => {
    writeSync(2, `signalbox: ${why}\n`);
    process.exit(1);
  };
  door.on('error', (error: NodeJS.ErrnoException) => give(`the attempt is gone (${error.code ?? 'unknown'}).`));
  door.write(
    `GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: signalbox-mcp\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  );
  let head = Buffer.alloc(0);
  const read = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0 && head.length < 16_384) return;
    door.off('data', read);
    const [first = ''] = head.toString('latin1').split('\r\n', 1);
    if (!first.startsWith('HTTP/1.1 101 '))
      give(
        `the attempt's door refused: ${
          head
            .subarray(Math.max(0, end) + 4)
            .toString('utf8')
            .trim() || first
        }`,
      );
    process.stdout.write(head.subarray(end + 4));
    process.stdin.pipe(door).pipe(process.stdout);
  };
  door.on('data', read);
  door.once('close', () => process.exit(0));
}
