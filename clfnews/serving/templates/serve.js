"use strict";
// The page works without this; it adds the copy button and the address of this server.
const copy = document.getElementById("copy");
const text = document.getElementById("article-text");
const origin = document.getElementById("origin");
if (origin) origin.textContent = location.origin;
if (copy && text && text.value) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.value);
    } catch {
      // Browsers give the clipboard to pages of https and of this machine only.
      text.hidden = false;
      text.select();
      document.execCommand("copy");
      text.hidden = true;
    }
    copy.textContent = "Copied";
    setTimeout(() => (copy.textContent = "Copy"), 2000);
  });
}
