// What one does with a message that is there: its menu and what the menu offers. Loaded once wanted.
import { setState } from "./bubbles.js";
import { confirmed, openMenu } from "./dialogs.js";
import { announce, me, nameOf, say, sayRefusal } from "./words.js";

export function menu(talk, element, trigger, x, y) {
  if (!element?.dataset.seq || "deleted" in element.dataset) return;
  const mine = element.classList.contains("msg--mine");
  const rules = talk.talk.kind === "group" && talk.talk.role !== "member";
  const allowed = ["reply", "copy", ...(mine ? ["edit"] : []), ...(mine || rules ? ["delete"] : [])];
  openMenu({ x, y, trigger, allowed, choose: (what) => act(talk, what, element) });
}

export async function act(talk, what, element) {
  const text = element.querySelector(".bubble__text").textContent;
  const { id, sender } = element.dataset;
  if (what === "reply") {
    const name = sender === me.id ? say("you") : nameOf(talk.talk.people[sender]);
    talk.composer.reply({ id, name, text });
  } else if (what === "edit") talk.composer.edit({ id, text });
  else if (what === "copy") {
    await navigator.clipboard?.writeText(text);
    announce(say("copied"));
  } else if (await confirmed({ title: say("deleteAsk"), quote: text, note: say("deleteNote"), yes: say("delete") })) {
    await change(talk, { type: "delete_message", message_id: id });
  }
}

export async function change(talk, frame) {
  const element = talk.timeline.element(frame.message_id);
  try {
    const ack = await talk.socket.ask(frame);
    const changed = { ...frame, ...ack, deleted_at: ack.deleted_at, edited_at: ack.edited_at };
    talk.timeline.changed(changed);
    talk.list.changed({ ...changed, seq: Number(element?.dataset.seq), chat_id: talk.id });
    announce(frame.type === "edit_message" ? say("edited") : say("deleted"));
  } catch (error) {
    talk.onTrouble(sayRefusal(error));
  }
}

// One's own message that was refused: try again, or let it go.
export function again(talk, element, what) {
  const { id } = element.dataset;
  if (what === "retry") {
    element.querySelector(".msg__failed").remove();
    setState(element, "pending");
    talk.outbox.retry(id);
  } else {
    talk.outbox.discard(id);
    element.remove();
  }
}
