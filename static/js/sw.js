// Shows pushes as notifications and opens their page. Intercepts no requests and stores nothing.
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
  const push = data?.json();
  if (!push) return;
  const open = await windows();
  if (open.some((client) => client.visibilityState === "visible" && shows(client, push.url))) return;
  // One notification per chat, the newest; a repeat replaces itself silently.
  const shown = (await registration.getNotifications()).filter((one) => one.data?.chat_id === push.chat_id);
  if (shown.some((one) => one.data.seq > push.seq)) return;
  await registration.showNotification(push.title, {
    body: push.body, tag: push.tag, icon: "/static/img/mark.png", data: push,
  });
  for (const one of shown) if (one.tag !== push.tag) one.close();
}

async function open(path) {
  const found = await windows();
  const there = found.find((client) => shows(client, path)) ?? found[0];
  if (!there) return clients.openWindow(path);
  await there.focus();
  if (!shows(there, path)) await there.navigate(path).catch(() => clients.openWindow(path));
}
