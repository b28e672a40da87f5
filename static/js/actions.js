// A message's menu and what it offers. Loaded when first opened.
import { setState } from "./bubbles.js";
import { confirmed, openMenu } from "./dialogs.js";
import { announce, me, nameOf, textOf } from "./words.js";

export function menu(conversation, element, trigger, x, y) {
  if (!element?.dataset.seq || "deleted" in element.dataset) return;
  const mine = element.classList.contains("msg--mine");
  const allowed = ["copy"];
  if (conversation.may("send")) allowed.push("reply");
  if (mine && conversation.may("edit")) allowed.push("edit");
  if (conversation.may(mine ? "delete_own" : "delete_any")) allowed.push("delete");
  openMenu({ x, y, trigger, allowed, choose: (what) => act(conversation, what, element) });
}

export async function act(conversation, what, element) {
  const text = element.querySelector(".bubble__text").textContent;
  const { id, sender } = element.dataset;
  if (what === "reply") {
    const name = sender === me.id ? gettext("You") : nameOf(conversation.timeline.people[sender]);
    conversation.composer.reply({ id, name, text });
  } else if (what === "edit") conversation.composer.edit({ id, text });
  else if (what === "copy") {
    await navigator.clipboard?.writeText(text);
    announce(gettext("Copied"));
  } else if (await isDeletionConfirmed(text)) {
    await change(conversation, { type: "delete_message", message_id: id });
  }
}

function isDeletionConfirmed(quote) {
  return confirmed({
    title: gettext("Delete this message?"),
    quote,
    note: gettext("It disappears for everyone in the chat."),
    yes: gettext("Delete"),
  });
}

// Edits or deletes a message of the conversation.
export async function change(conversation, frame) {
  const element = conversation.timeline.element(frame.message_id);
  try {
    const ack = await conversation.socket.ask(frame);
    const changed = { ...frame, ...ack, deleted_at: ack.deleted_at, edited_at: ack.edited_at };
    conversation.timeline.changed(changed);
    conversation.list.changed({ ...changed, seq: Number(element?.dataset.seq), chat_id: conversation.id });
    announce(frame.type === "edit_message" ? gettext("Message edited") : gettext("Message deleted"));
  } catch (error) {
    conversation.onError(textOf(error));
  }
}

// One's own message that was refused: `retry` sends it again, `discard` removes it.
export function again(conversation, element, what) {
  const { id } = element.dataset;
  if (what === "retry") {
    element.querySelector(".msg__failed").remove();
    setState(element, "pending");
    conversation.outbox.retry(id);
  } else {
    conversation.outbox.discard(id);
    element.remove();
  }
}
