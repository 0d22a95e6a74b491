/** Import this before any schema where a content security policy forbids eval: zod would try it, and each try is reported as a violation. */
import * as z from 'zod/mini';

z.config({ jitless: true });
