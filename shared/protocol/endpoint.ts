import * as z from 'zod';

/** Name of the file in the state folder in which a running daemon says how to reach it. */
export const ENDPOINT_FILE = 'endpoint.json';

/** The content of the endpoint file; `pid` and `startTime` say which process wrote it, so that a leftover can be told. */
export const Endpoint = z.object({
  pid: z.int().min(1),
  startTime: z.string().min(1).max(100),
  host: z.literal('127.0.0.1'),
  port: z.int().min(1).max(65_535),
  protocol: z.object({ min: z.int().min(1), max: z.int().min(1) }),
  token: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'a token is 32 bytes in base64url'),
  version: z.string().max(50),
});
export type Endpoint = z.infer<typeof Endpoint>;
