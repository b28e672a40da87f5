// Loads what a window of messages needs: pages, the people in them, the messages they quote.
import { api, query } from "./api.js";
import { bubble, setState } from "./bubbles.js";
import { me } from "./words.js";

const PAGE = 50;

export class Source {
  constructor(timeline) {
    this.timeline = timeline;
    this.people = timeline.people;
  }

  page(position) {
    return api("GET", `/messages?${query({ chat_id: this.timeline.id, limit: PAGE, ...position })}`);
  }

  elements(items) {
    return Promise.all(items.map((item) => this.element(item)));
  }

  async element(message) {
    await this.loadPeople([message.sender_id, ...(message.mentions ?? [])]);
    const quoted = message.reply_to ? await this.#quoted(message.reply_to) : null;
    const element = bubble(message, { people: this.people, quoted, chatId: this.timeline.id });
    if (message.sender_id === me.id && message.seq) {
      setState(element, message.read_at ? "read" : message.delivered_at ? "delivered" : "sent");
    }
    return element;
  }

  loadPeople(userIds) {
    return Promise.all(userIds.map((id) => this.#loadPerson(id)));
  }

  async #loadPerson(userId) {
    if (userId === me.id || this.people[userId]) return;
    this.people[userId] = await api("GET", `/users/${userId}`).catch(() => undefined);
  }

  // The quoted message, of the page or of the server; null for one that is gone.
  async #quoted(messageId) {
    const shown = this.timeline.element(messageId);
    if (shown?.dataset.seq) {
      return {
        seq: shown.dataset.seq, sender_id: shown.dataset.sender,
        deleted_at: "deleted" in shown.dataset, text: shown.querySelector(".bubble__text").textContent,
      };
    }
    const found = await api("GET", `/messages/${messageId}`).catch(() => null);
    if (found) await this.#loadPerson(found.sender_id);
    return found;
  }
}
