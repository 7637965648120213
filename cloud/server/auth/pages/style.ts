/** Paper and ink, as in the app; the colours of the mark are the only ones that are not neutral. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --raise: #ffffff; --line: #e4e0d8; --edge: #8f897e; --ink: #1d1c1a; --soft: #5f5b54;
  --desk: #0f7b6c; --cloud: #4b54c9; --bad: #a33826; --bad-wash: #f9e9e5; --focus: #2f6fed;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #161614; --raise: #232320; --line: #33322e; --edge: #7d796f; --ink: #ecebe6; --soft: #aaa69c;
    --desk: #4fc3ae; --cloud: #9aa2ff; --bad: #f08a76; --bad-wash: #3b211c; --focus: #7aa7ff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 32px 20px;
  background: var(--paper); color: var(--ink); -webkit-font-smoothing: antialiased;
  font: 15px/1.55 "Inter Variable", Inter, ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main { width: 100%; max-width: 352px; padding-bottom: 6vh; }
.brand { display: flex; align-items: center; gap: 9px; margin: 0 0 30px; font-weight: 620; letter-spacing: -.01em; }
.mark { width: 22px; height: 22px; border-radius: 7px; background: conic-gradient(from 220deg, var(--desk), var(--cloud), var(--desk)); }
h1 { margin: 0 0 6px; font-size: 23px; line-height: 1.25; font-weight: 620; letter-spacing: -.018em; overflow-wrap: anywhere; }
p { margin: 0 0 12px; }
.lead { color: var(--soft); margin-bottom: 24px; overflow-wrap: anywhere; }
.lead b { color: var(--ink); font-weight: 560; }
form { display: grid; gap: 16px; margin: 0; }
label { display: grid; gap: 5px; font-size: 13.5px; font-weight: 530; }
label small { color: var(--soft); font-weight: 400; font-size: 13px; }
input {
  font: inherit; font-size: 16px; font-weight: 400; color: var(--ink); background: var(--raise); width: 100%; min-height: 44px;
  padding: 8px 12px; border: 1px solid var(--edge); border-radius: 10px;
}
input[readonly] { background: none; border-color: var(--line); color: var(--soft); }
.code { font-family: "JetBrains Mono Variable", "JetBrains Mono", ui-monospace, "SF Mono", Consolas, "DejaVu Sans Mono", monospace; letter-spacing: .08em; }
output.code { display: block; font-size: 21px; padding: 12px 0; margin: 0 0 18px; border-block: 1px solid var(--line); text-align: center; }
button, .button {
  display: block; width: 100%; min-height: 44px; padding: 9px 16px; border-radius: 10px; border: 1px solid var(--edge);
  font: inherit; font-weight: 560; text-align: center; text-decoration: none; color: var(--ink); background: none; cursor: pointer;
  transition: opacity 120ms cubic-bezier(.2, .7, .2, 1);
}
button.main { background: var(--ink); border-color: var(--ink); color: var(--paper); }
button:hover, .button:hover { opacity: .86; }
.methods { display: grid; gap: 10px; }
.or { display: flex; align-items: center; gap: 12px; margin: 20px 0; color: var(--soft); font-size: 13px; }
.or::before, .or::after { content: ""; flex: 1; height: 1px; background: var(--line); }
.note { margin: 0 0 20px; padding: 10px 14px; border-radius: 10px; background: var(--bad-wash); color: var(--bad); font-size: 14px; }
.quiet { margin: 22px 0 0; color: var(--soft); font-size: 13.5px; overflow-wrap: anywhere; }
.quiet a { color: inherit; text-underline-offset: 3px; display: inline-block; padding: 6px 0; }
.beside { margin-top: 10px; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
@media (prefers-reduced-motion: reduce) { * { transition: none; } }
@media (forced-colors: active) { .mark { forced-color-adjust: none; } }
`
