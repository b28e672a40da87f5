// What a window of messages is made from: pages of them, the people in them, what they quote.
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

  dressed(items) {
    return Promise.all(items.map((item) => this.made(item)));
  }

  async made(message) {
    await this.meet([message.sender_id, ...(message.mentions ?? [])]);
    const quoted = message.reply_to ? await this.#quoted(message.reply_to) : null;
    const element = bubble(message, { people: this.people, quoted, chatId: this.timeline.id });
    if (message.sender_id === me.id && message.seq) {
      setState(element, message.read_at ? "read" : message.delivered_at ? "delivered" : "sent");
    }
    return element;
  }

  meet(userIds) {
    return Promise.all(userIds.map((id) => this.#meet(id)));
  }

  async #meet(userId) {
    if (userId === me.id || this.people[userId]) return;
    this.people[userId] = await api("GET", `/users/${userId}`).catch(() => undefined);
  }

  // From the page where it is there, else asked for; null where it is gone.
  async #quoted(messageId) {
    const held = this.timeline.element(messageId);
    if (held?.dataset.seq) {
      return {
        seq: held.dataset.seq, sender_id: held.dataset.sender,
        deleted_at: "deleted" in held.dataset, text: held.querySelector(".bubble__text").textContent,
      };
    }
    const found = await api("GET", `/messages/${messageId}`).catch(() => null);
    if (found) await this.#meet(found.sender_id);
    return found;
  }
}
