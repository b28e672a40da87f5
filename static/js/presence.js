// Presence and typing: the dots on avatars, and the line under a conversation's name.
import { clock, dayLabel, fill, isToday, isYesterday, nameOf } from "./words.js";

const FORGET = 5000; // there is no frame for the end of typing

export class Presence {
  #typing = new Map(); // person → timer
  conversation = null;

  open(conversation) {
    this.conversation = conversation;
    for (const timer of this.#typing.values()) clearTimeout(timer);
    this.#typing.clear();
    this.show();
  }

  update({ user_id: user, status, last_seen_at: seen }) {
    for (const element of document.querySelectorAll(`[data-peer="${CSS.escape(user)}"]`)) {
      Object.assign(element.dataset, { status: status ?? "", seen: seen ?? "" });
    }
    this.show();
  }

  startTyping({ chat_id: chat, user_id: user }) {
    if (this.conversation?.id !== chat) return;
    clearTimeout(this.#typing.get(user));
    this.#typing.set(user, setTimeout(() => this.stopTyping(user), FORGET));
    this.show();
  }

  stopTyping(user) {
    clearTimeout(this.#typing.get(user));
    if (this.#typing.delete(user)) this.show();
  }

  show() {
    const line = document.getElementById("conversation-subtitle");
    if (!line) return;
    line.classList.toggle("is-typing", this.#typing.size > 0);
    line.textContent = this.#typingLine() || seenLine(line.closest(".conversation-head").dataset) || line.dataset.subtitle;
  }

  #typingLine() {
    const [one, other, more] = this.#typing.keys();
    if (!one) return "";
    if (this.conversation.state.kind === "direct") return gettext("is typing…");
    const name = (user) => nameOf(this.conversation.timeline.people[user]).split(" ")[0] || gettext("Someone");
    if (!other) return fill(gettext("%(name)s is typing…"), { name: name(one) });
    if (more) return gettext("Several people are typing…");
    return fill(gettext("%(name)s and %(other)s are typing…"), { name: name(one), other: name(other) });
  }
}

function seenLine({ status, seen }) {
  if (status === "online") return gettext("online");
  if (!seen) return "";
  const at = new Date(seen);
  if (isToday(at)) return fill(gettext("last seen at %(time)s"), { time: clock(at) });
  if (isYesterday(at)) return gettext("last seen yesterday");
  return fill(gettext("last seen on %(day)s"), { day: dayLabel(at) });
}
