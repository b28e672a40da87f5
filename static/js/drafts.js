// Stores drafts on the server, so that they are on every device. Loaded with the first draft.
import { api, debounced } from "./api.js";

const STORE_AFTER = 2500;

export class Drafts {
  constructor(composer) {
    this.composer = composer;
    this.later = debounced(() => this.isOpen && this.store(composer.draft), STORE_AFTER);
    this.isOpen = true;
    this.hidden = () => document.hidden && this.store(composer.draft);
    document.addEventListener("visibilitychange", this.hidden);
  }

  close(draft) {
    document.removeEventListener("visibilitychange", this.hidden);
    this.isOpen = false;
    this.store(draft);
  }

  async store(draft) {
    const { composer } = this;
    const earlier = composer.stored;
    if (draft === earlier) return;
    composer.stored = draft;
    composer.onDraft(draft);
    try {
      await api("PATCH", `/chats/${composer.conversation.id}/preferences`, { draft });
      localStorage.removeItem(composer.key);
    } catch { // kept in localStorage until the next attempt
      if (composer.stored === draft) composer.stored = earlier;
    }
  }
}
