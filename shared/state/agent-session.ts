/** The session of the agent's own in which an attempt works. */
export interface AgentSession {
  /** The agent's id of it. */
  id: string;
  /** The agent says that another process of it can go on with it. */
  resumes: boolean;
  /** Begun anew; anew, and told what the record says of earlier work; or the earlier work's own session, which the agent loaded. */
  how: 'new' | 'summary' | 'loaded';
  /** The attempt whose work it goes on from. */
  from?: string;
  /** Why the agent's own session was not loaded. */
  why?: string;
  /** Updates of earlier turns that the agent told again when it loaded the session. */
  replayed?: number;
}
