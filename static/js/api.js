// REST with the session's cookie. A problem becomes an Error with the problem's fields, of which
// scripts use `title`, `retry` and `retry_after`.
function token() {
  return document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
}

export async function api(method, path, body) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = token();
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(`/api/v1${path}`, {
    method, headers, credentials: "same-origin", keepalive: method !== "GET", body: body && JSON.stringify(body),
  });
  const answer = response.status === 204 ? null : await response.json();
  if (response.ok) return answer;
  if (answer.retry === "after_sign_in") signIn();
  throw Object.assign(new Error(answer.detail), answer);
}

// Leaves for the sign-in page, which leads back here.
export function signIn() {
  location.assign(`/accounts/login/?next=${encodeURIComponent(location.pathname)}`);
}

export function query(values) {
  return new URLSearchParams(Object.entries(values)).toString();
}

// Calls `action` once, `pause` milliseconds after the last of many calls.
export function debounced(action, pause) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(action, pause, ...given);
  };
}

// Milliseconds to wait before attempt number `tries`: doubling, at most `longest`, with jitter.
export function backoff(tries, first, longest) {
  return Math.min(longest, first * 2 ** tries) * (0.5 + Math.random() / 2);
}

// A random UUID also where the page is not from a secure origin (a LAN address over http).
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}
