// What a person has set on this page, for the next review as well. The page has another port each
// time, and what a browser stores hangs on that; a cookie doesn't. Nobody but the page reads it.

const DAYS = 365;

export function recalled(name, usual) {
  const start = `review-${name}=`;
  const found = document.cookie.split("; ").find((one) => one.startsWith(start));
  return found ? found.slice(start.length) : usual;
}

export function remember(name, value) {
  document.cookie = `review-${name}=${value}; path=/; max-age=${DAYS * 86400}; SameSite=Strict`;
}
