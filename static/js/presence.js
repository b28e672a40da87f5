// Who is online and who is writing: the dots beside faces, and the line under a conversation's name.
import { clock, dayKey, dayLabel, nameOf, say } from "./words.js";

const FORGET = 5000; // nobody says when they stop writing

export class Presence {
  #writing = new Map(); // person → when to forget them
  talk = null;

  open(talk) {
    this.talk = talk;
    for (const timer of this.#writing.values()) clearTimeout(timer);
    this.#writing.clear();
    this.show();
  }

  heard({ user_id: user, status, last_seen_at: seen }) {
    for (const place of document.querySelectorAll(`[data-peer="${CSS.escape(user)}"]`)) {
      Object.assign(place.dataset, { status: status ?? "", seen: seen ?? "" });
    }
    this.show();
  }

  writes({ chat_id: chat, user_id: user }) {
    if (this.talk?.id !== chat) return;
    clearTimeout(this.#writing.get(user));
    this.#writing.set(user, setTimeout(() => this.wrote(user), FORGET));
    this.show();
  }

  wrote(user) {
    clearTimeout(this.#writing.get(user));
    if (this.#writing.delete(user)) this.show();
  }

  show() {
    const line = document.getElementById("talk-sub");
    if (!line) return;
    line.classList.toggle("is-typing", this.#writing.size > 0);
    line.textContent = this.#told() || seenLine(line.closest(".talk-head").dataset) || line.dataset.rest;
  }

  #told() {
    const [one, other, more] = this.#writing.keys();
    if (!one) return "";
    if (this.talk.talk.kind === "direct") return say("typing");
    const name = (user) => nameOf(this.talk.timeline.people[user]).split(" ")[0] || say("somebody");
    if (!other) return say("typingOne", { name: name(one) });
    return more ? say("typingMany") : say("typingTwo", { name: name(one), other: name(other) });
  }
}

function seenLine({ status, seen }) {
  if (status === "online") return say("online");
  if (!seen) return "";
  const at = new Date(seen);
  if (dayKey(at) === dayKey(new Date())) return say("seenAt", { time: clock(at) });
  const day = dayLabel(at);
  return day === say("yesterday") ? say("seenYesterday") : say("seenOn", { day });
}
