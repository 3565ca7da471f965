/** What the console's pages gain where scripts run: copy buttons, the reader's own time zone, one submission per form, Escape for open tips. */
(() => {
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

  function improve(root) {
    for (const time of root.querySelectorAll('time[data-relative]')) {
      const tip = time.parentElement.querySelector('[data-exact]');
      if (tip) tip.textContent = exact.format(new Date(time.dateTime));
    }
    for (const time of root.querySelectorAll('time[data-exact-time]')) time.textContent = exact.format(new Date(time.dateTime));
    for (const button of root.querySelectorAll('[data-copy]')) button.hidden = false;
  }

  document.addEventListener('click', async (event) => {
    const button = event.target.closest('[data-copy]');
    if (button) {
      const source = document.getElementById(button.dataset.copy);
      const word = button.querySelector('[data-copy-word]');
      try {
        await navigator.clipboard.writeText(source.textContent.trim());
        word.textContent = 'Copied';
      } catch {
        getSelection().selectAllChildren(source);
        word.textContent = 'Press Ctrl+C';
      }
      announce(word.textContent);
      setTimeout(() => {
        word.textContent = 'Copy';
      }, 2500);
    }
    for (const menu of document.querySelectorAll('details.account[open]')) if (!menu.contains(event.target)) menu.open = false;
  });

  // Host keys matter for ssh:// only: their part opens once such a URL is typed.
  document.addEventListener('input', (event) => {
    const part = event.target.id && document.querySelector(`[data-open-for-ssh="${event.target.id}"]`);
    if (part && /^ssh:/i.test(event.target.value)) part.open = true;
  });

  // A double click sends one form. The service would make one run of two requests anyway; this spares the second page.
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.dataset.sent) return event.preventDefault();
    if (form.method === 'post') form.dataset.sent = 'true';
  });
  // Back to a page that the browser has kept: its forms can be sent again.
  addEventListener('pageshow', () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    for (const menu of document.querySelectorAll('details.account[open]')) {
      menu.open = false;
      menu.querySelector('summary').focus();
    }
    for (const tip of document.querySelectorAll('.tip:hover, .tip:focus-within')) tip.classList.add('tip-closed');
  });
  const reopen = (event) => event.target.closest?.('.tip')?.classList.remove('tip-closed');
  document.addEventListener('focusin', reopen);
  document.addEventListener('mouseover', reopen);

  function announce(words) {
    const live = document.getElementById('live');
    if (live && live.textContent !== words) live.textContent = words;
  }
  // A part of the page that updates itself says so only when what it says in short has changed.
  let told = document.querySelector('[data-announce]')?.dataset.announce;
  document.addEventListener('htmx:afterSettle', () => {
    improve(document);
    const now = document.querySelector('[data-announce]')?.dataset.announce;
    if (now !== undefined && now !== told) announce(now);
    told = now;
  });

  improve(document);
  document.querySelector('[data-focus]')?.focus();
})();
