/**
 * One look for every page: the system's own fonts, light and dark by the person's choice, a visible focus, targets that a
 * thumb can hit, no motion for who asked for none. Nothing is loaded from anywhere.
 */
export const STYLE = `
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d8dee4;--ground:#f6f7f9;--card:#fff;--field:#f3f4f6;--accent:#1f5fbf;--on-accent:#fff;--accent-line:#1f5fbf;--warn-ink:#6b4400;--warn:#fff6e0;--warn-line:#e3c272;--bad-ink:#a11c26;--bad:#fdeeee;--bad-line:#eab5b8;--good-ink:#17603a;--good:#eaf6ef;--good-line:#a9d5bb;--shadow:0 1px 2px rgb(20 30 45/.06),0 8px 24px rgb(20 30 45/.06)}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#a4adb8;--line:#31373f;--ground:#0f1216;--card:#171b21;--field:#20252c;--accent:#8ab8ff;--on-accent:#0b1a33;--accent-line:#8ab8ff;--warn-ink:#f3d08a;--warn:#2a2313;--warn-line:#5c4a1d;--bad-ink:#ffb1b3;--bad:#2d191b;--bad-line:#66333a;--good-ink:#93d9b0;--good:#14261c;--good-line:#2c5a40;--shadow:none}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;min-height:100vh;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:break-word}
.brand{display:flex;align-items:center;gap:.6rem;max-width:48rem;margin:0 auto;padding:1.1rem 1.25rem;font-weight:600;color:var(--ink)}
.brand a{display:inline-flex;align-items:center;gap:.6rem;color:inherit;text-decoration:none;min-height:2rem;border-radius:6px}
.brand svg{width:1.5rem;height:1.5rem;flex:none;color:var(--accent)}
.brand .who{margin-left:auto;font-weight:400;font-size:.875rem;color:var(--soft);text-align:right;min-width:0}
main{width:100%;max-width:30rem;margin:0 auto;padding:clamp(1rem,6vh,4rem) 1.25rem 4rem}
main.wide{max-width:48rem;padding-top:clamp(.5rem,3vh,2rem)}
.card{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1.5rem;box-shadow:var(--shadow)}
.card+.card,section+section,.card+section,section+.card{margin-top:1.5rem}
@media(min-width:34rem){.card{padding:2rem}}
h1{font-size:1.5rem;line-height:1.25;letter-spacing:-.01em;font-weight:650;margin:0 0 .5rem}
main.wide>h1,main.wide>header h1{font-size:1.9rem}
h2{font-size:1.1rem;line-height:1.3;margin:0 0 .75rem;font-weight:650}
h3{font-size:1rem;margin:1rem 0 .35rem;font-weight:600}
p{margin:.5rem 0}.lead{color:var(--soft);font-size:1.05rem;margin:.25rem 0 1.25rem}.soft,.hint{color:var(--soft);font-size:.9rem}.hint{margin:.35rem 0 0}
a{color:var(--accent);text-underline-offset:.15em}
:focus-visible{outline:3px solid var(--accent-line);outline-offset:2px}
label{display:block;font-weight:600;margin:1.1rem 0 .35rem}
input:not([type]),input[type=email],input[type=password],input[type=text],textarea,pre{display:block;width:100%;color:inherit;background:var(--field);border:1px solid var(--line);border-radius:9px;padding:.65rem .8rem;margin:0}
input:not([type]),input[type=email],input[type=password],input[type=text],textarea{font:inherit;min-height:2.75rem;background:var(--card);border-color:var(--soft)}
input[readonly],pre,code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.875rem}
input[readonly]{background:var(--field);border-color:var(--line)}
input.code{font:600 1.35rem/1.2 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;letter-spacing:.15em}
input[aria-invalid=true]{border-color:var(--bad-ink)}
pre{white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5;user-select:all;margin:.35rem 0}
code{overflow-wrap:anywhere}
.tick{display:flex;gap:.65rem;align-items:flex-start;font-weight:400;margin:1.25rem 0;min-height:1.75rem}
.tick input{width:1.2rem;height:1.2rem;margin:.15rem 0 0;flex:none;accent-color:var(--accent)}
button,.button{display:inline-flex;align-items:center;justify-content:center;min-height:2.75rem;padding:.55rem 1.1rem;font:inherit;font-weight:600;line-height:1.25;text-align:center;text-decoration:none;border-radius:9px;border:1px solid var(--soft);background:var(--card);color:var(--ink);cursor:pointer}
button.primary,.button.primary{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
button.quiet,.button.quiet{min-height:2.25rem;padding:.3rem .8rem;font-size:.9rem;border-color:var(--line)}
button.danger{color:var(--bad-ink)}
button:hover,.button:hover{filter:brightness(.97)}button.primary:hover{filter:brightness(1.06)}
.full{width:100%}
.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}.actions>*{flex:1 1 auto;min-width:min(8rem,100%)}.actions>form{display:flex}.actions>form>button{flex:1}form+.hint,.actions+.hint{margin-top:1rem}
@media(min-width:34rem){main.wide .actions>*{flex:0 1 auto}}
.stack{display:grid;gap:.75rem}
.or{display:flex;align-items:center;gap:.9rem;color:var(--soft);font-size:.9rem;margin:1.5rem 0}.or::before,.or::after{content:"";flex:1;border-top:1px solid var(--line)}
.note{border:1px solid var(--line);border-radius:10px;padding:.75rem 1rem;margin:1rem 0;background:var(--field)}
.note.warn{background:var(--warn);border-color:var(--warn-line);color:var(--warn-ink)}
.note.bad{background:var(--bad);border-color:var(--bad-line);color:var(--bad-ink)}
.note.good{background:var(--good);border-color:var(--good-line);color:var(--good-ink)}
.note p{margin:.25rem 0}.note a{color:inherit}
.proof{font-size:1.2rem;font-weight:650;line-height:1.3;overflow-wrap:anywhere;margin:0}
dl.facts{display:grid;grid-template-columns:minmax(6.5rem,auto) 1fr;gap:.6rem 1rem;margin:1.25rem 0 0}
dl.facts dt{color:var(--soft);font-size:.9rem;padding-top:.08rem}dl.facts dd{margin:0;min-width:0;overflow-wrap:anywhere}dd>ul.plain:first-child{margin-top:0}dd>.note{margin:.5rem 0 0}
@media(max-width:26rem){dl.facts{grid-template-columns:1fr;gap:.1rem}dl.facts dd{margin-bottom:.6rem}}
ul.rows{list-style:none;margin:0;padding:0}
ul.rows>li{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;padding:.8rem 0;border-top:1px solid var(--line)}
ul.rows>li:first-child{border-top:0;padding-top:.2rem}ul.rows>li:last-child{padding-bottom:0}
ul.rows .what{flex:1 1 10rem;min-width:0;overflow-wrap:anywhere}ul.rows .what strong{font-weight:600}
ul.rows .tick{margin:0}ul.rows .tick~.hint{margin:.1rem 0 0 1.85rem}ul.rows .note{margin:.5rem 0 0}ul.rows .button.quiet{flex:none}ul.rows+.hint{margin-top:1.25rem}
ol.steps{display:grid;grid-template-columns:repeat(auto-fit,minmax(9rem,1fr));gap:.6rem;list-style:none;margin:0 0 1.5rem;padding:0}
.steps a{display:block;height:100%;padding:.55rem .8rem;border:1px solid var(--line);border-radius:9px;background:var(--card);color:inherit;text-decoration:none;font-size:.9rem;font-weight:600;line-height:1.35}
.steps a[aria-current]{border-color:var(--accent-line);box-shadow:inset 0 -3px var(--accent-line)}.steps span{display:block;font-weight:400;font-size:.8rem;color:var(--soft)}
ul.plain{margin:.35rem 0 0;padding-left:1.1rem}
.tag{display:inline-block;font-size:.78rem;font-weight:600;border:1px solid var(--line);border-radius:99px;padding:.05rem .55rem;color:var(--soft);vertical-align:.08em}
.pair{display:flex;gap:.5rem}.pair input{flex:1;min-width:0}.pair button{flex:none}
.copyable{margin:.35rem 0 .75rem}.copyable button{margin-top:.1rem}
@media(min-width:34rem){.copyable{position:relative}.copyable button{position:absolute;top:.3rem;right:.35rem;margin:0}.copyable pre{padding-right:5.4rem;min-height:2.9rem}}
details{border-top:1px solid var(--line)}details:first-of-type{border-top:0}
summary{cursor:pointer;padding:.8rem .25rem;font-weight:600;min-height:2.75rem;border-radius:6px}
details>div{padding:0 .25rem 1rem}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}label.first{margin-top:0}
[hidden]{display:none!important}
@media(prefers-reduced-motion:no-preference){button,.button{transition:filter .12s}}
@media(forced-colors:active){.card,.note,button,.button{border:1px solid}}`
