// The composer: the draft that is kept, the quoted message, editing, and the keys.
import { debounced, newId } from "./api.js";
import { me } from "./words.js";

const NEAR_LIMIT = 200;
const fine = matchMedia("(pointer: fine)");

export class Composer {
  constructor(conversation) {
    this.conversation = conversation;
    this.form = document.getElementById("composer");
    this.input = this.form.elements.text;
    this.strip = document.getElementById("strip");
    this.key = `draft:${me.id}:${conversation.id}`;
    this.editing = null;
    this.input.maxLength = conversation.limit;
    this.stored = conversation.draft; // on the server; a newer one is in localStorage
    if (this.input.value === this.stored) this.input.value = localStorage.getItem(this.key) ?? this.stored;
    this.save = debounced(() => this.#keep(), 250);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.input.addEventListener("input", () => {
      this.#measure();
      this.save();
      if (this.input.value.trim() && !this.editing) this.onTyping();
      this.#drafts("later");
    });
    this.input.addEventListener("keydown", (event) => this.#key(event));
    document.getElementById("strip-close").addEventListener("click", (event) => {
      event.preventDefault();
      this.cancel();
    });
    this.#measure();
    if (fine.matches) this.input.focus({ preventScroll: true });
  }

  get isBusy() {
    return Boolean(this.editing || this.form.elements.reply_to.value);
  }

  reply({ id, name, text }) {
    if (this.editing) this.cancel();
    this.form.elements.reply_to.value = id;
    this.#show("reply", name, text);
  }

  edit({ id, text }) {
    if (!this.editing) this.before = this.input.value;
    this.editing = { id, text };
    this.form.elements.reply_to.value = "";
    this.#show("edit", gettext("Editing the message"), text);
    this.input.value = text;
    this.input.setSelectionRange(text.length, text.length);
    this.#measure();
  }

  cancel() {
    if (this.editing) this.input.value = this.before;
    this.editing = null;
    this.form.elements.reply_to.value = "";
    this.strip.hidden = true;
    this.#measure();
    this.input.focus();
  }

  #show(icon, title, text) {
    const use = this.strip.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${icon}`));
    this.strip.querySelector("b").textContent = title;
    this.strip.querySelector(".quote span").textContent = text.slice(0, 140);
    this.strip.hidden = false;
    this.input.focus();
  }

  #submit() {
    const text = this.input.value.trim();
    if (!text || text.length > this.conversation.limit) return;
    if (this.editing) {
      const { id, text: earlier } = this.editing;
      this.cancel();
      if (text !== earlier) this.onEdit(id, text);
      return;
    }
    const reply = this.form.elements.reply_to.value;
    this.onSend({
      message_id: newId(), chat_id: this.conversation.id, text,
      sent_at: new Date().toISOString(), ...(reply ? { reply_to: reply } : {}),
    });
    this.input.value = "";
    this.cancel();
    this.#keep();
    if (this.stored) this.#drafts("store");
  }

  #key(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey && fine.matches) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "ArrowUp" && !this.input.value && !this.isBusy) {
      event.preventDefault();
      this.onEditLast();
    } else if (event.key === "Escape" && this.isBusy) {
      event.stopPropagation();
      this.cancel();
    }
  }

  get draft() {
    const text = this.editing ? this.before : this.input.value;
    return text.trim() ? text : "";
  }

  close() {
    if (this.drafts) this.#drafts("close");
  }

  // The draft was changed on another device.
  receiveDraft(draft) {
    if (this.input.value === this.stored && !this.editing) this.input.value = draft;
    this.stored = draft;
    this.#measure();
  }

  #keep() {
    if (this.draft === this.stored) localStorage.removeItem(this.key);
    else localStorage.setItem(this.key, this.draft);
  }

  async #drafts(what) {
    const { draft } = this; // now: the page may change while the module loads
    this.drafts ??= import("./drafts.js").then(({ Drafts }) => new Drafts(this), () => null);
    const drafts = await this.drafts;
    if (drafts) drafts[what](draft);
    else this.drafts = null; // offline: the next letter tries again
  }

  #measure() {
    const left = this.conversation.limit - this.input.value.length;
    const counter = document.getElementById("left");
    counter.hidden = left > NEAR_LIMIT;
    counter.textContent = left;
    if (CSS.supports("field-sizing", "content")) return;
    this.input.style.height = "auto";
    this.input.style.height = `${this.input.scrollHeight}px`;
  }
}
