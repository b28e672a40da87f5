// What has been begun to write, told to the server, so that it waits on every device.
import { api, calm } from "./api.js";

const STORE_AFTER = 2500;

export class Drafts {
  constructor(composer) {
    this.composer = composer;
    this.later = calm(() => this.isOpen && this.store(composer.draft), STORE_AFTER);
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
      await api("PATCH", `/chats/${composer.talk.id}/preferences`, { draft });
      localStorage.removeItem(composer.key);
    } catch { // stays here until the next try
      if (composer.stored === draft) composer.stored = earlier;
    }
  }
}
