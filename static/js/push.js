// Web Push on this device: the switch in the settings, and renewing the subscription.
import { api } from "./api.js";

const flag = (userId) => `push:${userId}`; // set while this person wants them in this browser
const isAble = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

const button = document.querySelector("[data-push]");
if (button) start(button, document.getElementById("push-state"));

async function start(button, line) {
  const userId = button.dataset.push;
  const show = (state) => {
    line.textContent = line.dataset[state];
    button.hidden = !["on", "off", "failed"].includes(state);
    button.setAttribute("aria-checked", String(state === "on"));
    button.disabled = false;
  };
  button.addEventListener("click", async () => {
    button.disabled = true;
    const wanted = button.getAttribute("aria-checked") !== "true";
    show(await (wanted ? turnOn(userId) : turnOff(userId)).catch(() => "failed"));
  });
  line.textContent = line.dataset.checking;
  if (!line.dataset.server) show("offHere");
  else if (!isAble) show("unsupported");
  else if (Notification.permission === "denied") show("blocked");
  else show(await current().catch(() => "off"));
}

async function current() {
  const registration = await navigator.serviceWorker.getRegistration("/");
  if (Notification.permission !== "granted" || !(await registration?.pushManager.getSubscription())) return "off";
  const { items } = await api("GET", "/devices");
  return items.some((device) => device.current && device.kind === "webpush") ? "on" : "off";
}

async function turnOn(userId) {
  const answer = await Notification.requestPermission();
  if (answer !== "granted") return answer === "denied" ? "blocked" : "off";
  await subscribe();
  localStorage.setItem(flag(userId), "on");
  return "on";
}

async function turnOff(userId) {
  localStorage.removeItem(flag(userId));
  const { items } = await api("GET", "/devices");
  for (const device of items) if (device.current && device.kind === "webpush") await api("DELETE", `/devices/${device.id}`);
  const registration = await navigator.serviceWorker.getRegistration("/");
  await (await registration?.pushManager.getSubscription())?.unsubscribe();
  return "off";
}

async function subscribe() {
  await navigator.serviceWorker.register("/sw.js");
  const { pushManager } = await navigator.serviceWorker.ready;
  const { vapid_public_key: key } = await api("GET", "/devices");
  const options = { userVisibleOnly: true, applicationServerKey: key };
  // A subscription made with an earlier key of this server is replaced.
  const made = await pushManager.subscribe(options).catch(async (error) => {
    if (error.name !== "InvalidStateError") throw error;
    await (await pushManager.getSubscription())?.unsubscribe();
    return pushManager.subscribe(options);
  });
  const { endpoint, keys } = made.toJSON();
  await api("POST", "/devices", { endpoint, keys });
}

// Called when a chat page starts: browsers change subscriptions, and each sign-in is a new session.
export async function renew(userId) {
  if (isAble && localStorage.getItem(flag(userId))) await subscribe().catch(() => {});
}
