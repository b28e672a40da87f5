// Shows what is pushed, and leads to it. Holds nothing back and stores nothing.
addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("push", (event) => event.waitUntil(show(event.data)));
addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.url ?? "/"));
});

const windows = () => clients.matchAll({ type: "window", includeUncontrolled: true });
const shows = (client, path) => new URL(client.url).pathname === path;

async function show(data) {
  const said = data?.json();
  if (!said) return;
  const open = await windows();
  if (open.some((client) => client.visibilityState === "visible" && shows(client, said.url))) return;
  // One notification a chat, the newest; a repeat replaces itself without a sound.
  const held = (await registration.getNotifications()).filter((one) => one.data?.chat_id === said.chat_id);
  if (held.some((one) => one.data.seq > said.seq)) return;
  await registration.showNotification(said.title, {
    body: said.body, tag: said.tag, icon: "/static/img/mark.png", data: said,
  });
  for (const one of held) if (one.tag !== said.tag) one.close();
}

async function open(path) {
  const found = await windows();
  const there = found.find((client) => shows(client, path)) ?? found[0];
  if (!there) return clients.openWindow(path);
  await there.focus();
  if (!shows(there, path)) await there.navigate(path).catch(() => clients.openWindow(path));
}
