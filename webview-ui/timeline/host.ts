/** The door to the extension: messages out, messages in (parsed), and what is kept across a reload. */
import { TimelineMemory, ToTimeline, type FromTimeline } from '../../shared/webview/timeline.ts';

interface WebviewApi {
  postMessage(message: FromTimeline): void;
  getState(): unknown;
  setState(state: TimelineMemory): void;
}

declare function acquireVsCodeApi(): WebviewApi;

export interface Host {
  post(message: FromTimeline): void;
  /** What was kept, or undefined when there is nothing that can be used. */
  recall(): TimelineMemory | undefined;
  keep(memory: TimelineMemory): void;
}

/** Connects to the extension; VS Code allows that once per page. What is not a message of ours is ignored. */
export function connectHost(receive: (message: ToTimeline) => void): Host {
  const api = acquireVsCodeApi();
  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    const message = ToTimeline.safeParse(event.data);
    if (message.success) receive(message.data);
  });
  return {
    post: (message) => api.postMessage(message),
    recall: () => TimelineMemory.safeParse(api.getState()).data,
    keep: (memory) => api.setState(memory),
  };
}
