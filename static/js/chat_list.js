// The column of chats: order, last message, unread counts, and the counts in title and rail.
import { api } from "./api.js";
import { listTime, me, nameOf, setAvatar } from "./words.js";

export class ChatList {
  constructor(presence) {
    this.presence = presence;
    this.list = document.getElementById("chats");
    this.people = {};
    this.asked = new Set();
    this.title = document.title;
    this.#total();
  }

  row(chatId) {
    return document.querySelector(`.list [data-chat="${CSS.escape(chatId)}"]`);
  }

  rows() {
    return [...document.querySelectorAll(".list [data-chat]")];
  }

  // The chat and the title of a page that was swapped in.
  open(chatId, title) {
    this.title = title;
    for (const row of this.rows()) {
      if (row.dataset.chat === chatId) row.setAttribute("aria-current", "page");
      else row.removeAttribute("aria-current");
    }
    this.#total();
  }

  // `watched`: the reader sees the message already.
  async received(message, watched) {
    const row = this.row(message.chat_id);
    if (!row) return this.fetch(message.chat_id);
    if (message.seq <= Number(row.dataset.seq)) return;
    row.dataset.seq = message.seq;
    await this.#setLast(row, message);
    if (message.sender_id !== me.id && !watched) {
      if (message.mentions?.includes(me.id)) row.toggleAttribute("data-mentioned", true);
      this.#unread(row, Number(row.dataset.unread) + 1);
    }
    this.#reposition(row);
  }

  // One's own message, before the server has acknowledged it.
  sent(item) {
    const row = this.row(item.chat_id);
    if (!row) return;
    this.#setLast(row, { ...item, sender_id: me.id, created_at: item.sent_at });
    this.#reposition(row);
  }

  acked(ack) {
    const row = this.row(ack.chat_id);
    if (row) row.dataset.seq = Math.max(Number(row.dataset.seq), ack.seq);
  }

  changed(change) {
    const row = this.row(change.chat_id);
    if (!row || change.seq !== Number(row.dataset.seq)) return;
    const text = row.querySelector("[data-text]");
    if (text) text.textContent = change.deleted_at ? gettext("Message deleted") : change.text.slice(0, 90);
  }

  read(chatId, seq, left) {
    const row = this.row(chatId);
    if (!row) return;
    row.dataset.read = Math.max(Number(row.dataset.read), seq);
    this.#unread(row, left);
  }

  // Read on another of my devices.
  receipt(frame) {
    const row = frame.user_id === me.id && this.row(frame.chat_id);
    if (row && frame.read_seq >= Number(row.dataset.seq)) this.read(frame.chat_id, frame.read_seq, 0);
  }

  remove(chatId) {
    this.row(chatId)?.parentElement.remove();
    this.#total();
  }

  async fetch(chatId) {
    if (this.asked.has(chatId)) return;
    this.asked.add(chatId);
    const chat = await api("GET", `/chats/${chatId}`).catch(() => null);
    this.asked.delete(chatId);
    if (chat) await this.show(chat);
  }

  // Loads the list anew and returns the ids of my chats. After a reconnect only this finds chats
  // that I have lost meanwhile.
  async refresh() {
    const { items } = await api("GET", "/chats");
    const known = new Set(items.map((chat) => chat.id));
    for (const row of this.rows()) if (!known.has(row.dataset.chat)) row.parentElement.remove();
    for (const chat of items.slice(0, 100).reverse()) await this.show(chat);
    return known;
  }

  async show(chat) {
    let row = this.row(chat.id);
    const isNew = !row;
    if (isNew) {
      const item = document.getElementById("chat-row").content.firstElementChild.cloneNode(true);
      row = item.firstElementChild;
      row.href = `/chats/${chat.id}/`;
      Object.assign(row.dataset, { chat: chat.id, kind: chat.kind, peer: chat.peer?.id ?? "", seq: 0, read: chat.read_seq, unread: 0 });
      this.list.prepend(item);
    }
    if (chat.peer) this.presence.update({ ...chat.peer, user_id: chat.peer.id });
    const name = chat.kind === "group" ? chat.title : nameOf(chat.peer);
    row.querySelector("[data-name]").textContent = name;
    const picture = row.querySelector(".avatar");
    setAvatar(picture, chat.peer?.id ?? chat.id, name);
    picture.classList.toggle("avatar--group", chat.kind === "group");
    this.setPreferences(chat.id, chat.preferences);
    if (!isNew && chat.last_seq < Number(row.dataset.seq)) return;
    const moved = isNew || chat.last_seq > Number(row.dataset.seq);
    row.dataset.seq = chat.last_seq;
    row.dataset.rev = chat.last_rev;
    if (chat.last_message) await this.#setLast(row, chat.last_message);
    else row.querySelector(".chat-row__last").textContent = gettext("No messages yet");
    row.toggleAttribute("data-mentioned", chat.mention_count > 0);
    this.#unread(row, chat.unread_count);
    if (moved) this.#reposition(row);
  }

  renamed(chat) {
    const row = this.row(chat.id);
    if (!row || chat.kind !== "group") return;
    row.querySelector("[data-name]").textContent = chat.title;
    setAvatar(row.querySelector(".avatar"), chat.id, chat.title);
  }

  // My preferences, which may have changed on another device.
  setPreferences(chatId, { pinned, archived, muted_until: until, draft }) {
    const row = this.row(chatId);
    if (!row) return;
    row.toggleAttribute("data-pinned", pinned);
    row.toggleAttribute("data-archived", archived);
    row.toggleAttribute("data-muted", Boolean(until) && Date.parse(until) > Date.now());
    this.setDraft(chatId, draft);
    this.#reposition(row);
    this.#total();
  }

  setDraft(chatId, draft) {
    const row = this.row(chatId);
    row?.toggleAttribute("data-draft", Boolean(draft));
    if (row) row.querySelector("[data-draft-text]").textContent = draft.slice(0, 90);
  }

  async #setLast(row, message) {
    const at = new Date(message.created_at);
    const time = row.querySelector(".chat-row__time");
    time.dateTime = message.created_at;
    time.textContent = listTime(at);
    const text = document.createElement("span");
    text.dataset.text = "";
    text.textContent = message.deleted_at ? gettext("Message deleted") : message.text.slice(0, 90);
    const parts = [];
    if (message.sender_id === me.id) parts.push(`${gettext("You")}: `);
    else if (row.dataset.kind === "group") {
      const who = document.createElement("b");
      who.textContent = `${nameOf(await this.#person(message.sender_id)).split(" ")[0]}: `;
      parts.push(who);
    }
    row.querySelector(".chat-row__last").replaceChildren(...parts, text);
  }

  async #person(userId) {
    this.people[userId] ??= api("GET", `/users/${userId}`).catch(() => null);
    return this.people[userId];
  }

  // Moves the row to its position: pinned chats first, then by time.
  #reposition(row) {
    const archive = document.getElementById("archived");
    const home = "archived" in row.dataset ? archive : this.list;
    const rank = (one) => ["pinned" in one.dataset ? 1 : 0, Date.parse(one.querySelector("time").dateTime) || 0];
    const [pinned, at] = rank(row);
    const item = row.parentElement;
    const next = [...home.children].find((other) => {
      const [first, then] = rank(other.firstElementChild);
      return other !== item && (first < pinned || (first === pinned && then <= at));
    }) ?? null;
    if (item.parentElement !== home || item.nextElementSibling !== next) home.insertBefore(item, next);
    document.getElementById("no-chats").hidden = true;
    document.getElementById("archive").hidden = !archive.children.length;
  }

  #unread(row, count) {
    row.dataset.unread = Math.max(0, count);
    if (count <= 0) row.removeAttribute("data-mentioned");
    row.querySelector("[data-count]").textContent = count > 999 ? "999+" : row.dataset.unread;
    this.#total();
  }

  #total() {
    const all = this.rows().filter((row) => !("muted" in row.dataset)).reduce((sum, row) => sum + Number(row.dataset.unread), 0);
    document.title = all ? `(${all}) ${this.title}` : this.title;
    for (const dot of document.querySelectorAll("[data-unread-all]")) {
      dot.hidden = !all;
      dot.textContent = all > 99 ? "99+" : all;
    }
  }
}
