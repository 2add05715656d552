/** The chat page: one file, nothing from elsewhere. */
export const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Outrigger demo</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: light dark; --back: #f5f6f8; --card: #fff; --text: #1b2330; --dim: #5c6778; --line: #dde2ea; --accent: #0b62c4; --on: #fff; --good: #12784a; --bad: #b3261e; }
  @media (prefers-color-scheme: dark) { :root { --back: #11151c; --card: #1a202a; --text: #e6eaf0; --dim: #9aa6b6; --line: #2c3542; --accent: #5aa7ff; --on: #0b1420; --good: #54c98f; --bad: #ff8a80; } }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
  main { grid-template-columns: minmax(0, 1fr); max-width: 44rem; margin: 0 auto; padding: 1.25rem 1rem; display: grid; gap: 1rem; }
  h1 { font-size: 1.3rem; margin: 0; }
  p { margin: 0; color: var(--dim); }
  section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem; }
  dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .75rem; margin: 0; }
  dt { font-size: .8rem; color: var(--dim); }
  dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
  #lines { list-style: none; margin: 0 0 1rem; padding: 0; height: 40vh; min-height: 12rem; overflow-y: auto; display: flex; flex-direction: column; gap: .5rem; }
  #lines li { overflow-wrap: anywhere; }
  #lines:empty::before { content: 'Nothing was said yet. Open this page in a second window, and say something here.'; color: var(--dim); }
  #lines small { color: var(--dim); display: block; }
  form { display: flex; gap: .5rem; }
  input { flex: 1; min-width: 0; font: inherit; color: inherit; padding: .55rem .75rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--back); }
  button { font: inherit; padding: .55rem 1rem; border: 0; border-radius: .5rem; background: var(--accent); color: var(--on); }
  button:disabled { opacity: .5; }
  :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
  .good { color: var(--good); } .bad { color: var(--bad); }
</style>
<main>
  <header><h1>Chat through Outrigger</h1><p>Open this page twice: two instances serve you, through one sidecar.</p></header>
  <section aria-label="Connection"><dl>
    <div><dt>WebSocket</dt><dd id="state" role="status">connecting</dd></div>
    <div><dt>Served by</dt><dd id="instance">–</dd></div>
    <div><dt>Round trip</dt><dd id="trip">–</dd></div>
    <div><dt>Server-sent event</dt><dd id="event">–</dd></div>
  </dl></section>
  <section aria-label="Chat">
    <ul id="lines" aria-live="polite"></ul>
    <form><input id="text" aria-label="Message" placeholder="Say something" autocomplete="off" maxlength="500"><button id="send" disabled>Send</button></form>
  </section>
</main>
<script>
  const $ = (id) => document.getElementById(id);
  let socket, wait = 500, sent;
  function state(text, good) { $('state').textContent = text; $('state').className = good ? 'good' : 'bad'; $('send').disabled = !good; }
  function connect() {
    socket = new WebSocket(location.origin.replace('http', 'ws') + '/ws');
    socket.onopen = () => { wait = 500; state('open', true); };
    socket.onclose = (e) => { state('closed (' + e.code + (e.reason ? ', ' + e.reason : '') + '), again soon', false); setTimeout(connect, wait); wait = Math.min(wait * 2, 10000); };
    socket.onmessage = ({ data }) => {
      const m = JSON.parse(data);
      if (m.kind === 'hello') { $('instance').textContent = m.instance; return; }
      const mine = sent && m.text === sent.text;
      if (mine) { $('trip').textContent = (performance.now() - sent.at).toFixed(1) + ' ms'; sent = undefined; }
      const li = document.createElement('li'), small = document.createElement('small');
      small.textContent = (mine ? 'you, through ' : 'through ') + m.instance + ', ' + new Date().toLocaleTimeString();
      li.append(small, m.text);
      $('lines').append(li);
      while ($('lines').children.length > 200) $('lines').firstChild.remove();
      $('lines').scrollTop = $('lines').scrollHeight;
    };
  }
  document.querySelector('form').onsubmit = (e) => {
    e.preventDefault();
    const text = $('text').value.trim();
    if (!text || socket.readyState !== 1) return;
    sent = { text, at: performance.now() };
    socket.send(text);
    $('text').value = '';
  };
  new EventSource('/api/events').onmessage = ({ data }) => { $('event').textContent = new Date(data).toLocaleTimeString(); };
  connect();
</script>
</html>
`;
