// SPDX-License-Identifier: Apache-2.0
//
// Style sheet and script of the page. Colours s0 to s10 are Paul Tol's "muted" scheme (safe for colour-blind
// readers) with two greys, g0 to g6 are those of Okabe and Ito; the darkest are lightened in dark mode.
#include "sim/report/page/figures.h"

namespace tilewright::report {

std::string style_sheet() {
  return R"css(:root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#59636e;--rule:#d5dae0;--grid:#e9ecef;--card:#f6f7f9;
--s0:#332288;--s1:#88ccee;--s2:#44aa99;--s3:#117733;--s4:#999933;--s5:#ddcc77;--s6:#cc6677;--s7:#882255;--s8:#aa4499;--s9:#c3c7cc;--s10:#6b7280;
--g0:#1b1f24;--g1:#0072b2;--g2:#d55e00;--g3:#009e73;--g4:#cc79a7;--g5:#e69f00;--g6:#56b4e9}
@media screen and (prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#e6e8eb;--soft:#a2abb5;--rule:#3a414a;--grid:#272c33;--card:#1e2228;
--s0:#7d70dd;--s3:#3fae62;--s7:#c65a93;--s8:#c977bb;--s9:#59616b;--s10:#9aa3ae;--g0:#e6e8eb;--g1:#4aa8e0;--g2:#ef7f2f;--g3:#2fc296}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI","Noto Sans","Liberation Sans",sans-serif}
main{max-width:1264px;margin:0 auto;padding:32px 28px 64px}
h1{font-size:30px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:23px;margin:52px 0 4px;padding-top:14px;border-top:2px solid var(--ink)}
h3{font-size:18px;margin:34px 0 6px}
p{max-width:76ch;margin:6px 0 12px}.soft,figcaption,.lead{color:var(--soft)}
nav a{margin-right:18px}a{color:var(--g1)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(205px,1fr));gap:12px;margin:14px 0 8px}
.card{overflow-wrap:anywhere;background:var(--card);border-radius:8px;padding:12px 16px}
.card b{display:block;font-size:26px;line-height:1.2;font-variant-numeric:tabular-nums;font-weight:600}
.card b small{font-size:15px;font-weight:400}.card span{display:block;font-size:13.5px;color:var(--soft)}
figure{margin:10px 0 4px;break-inside:avoid}figcaption{font-size:14px;max-width:100ch;margin-top:4px}
.panels{display:flex;flex-wrap:wrap;gap:12px}svg{max-width:100%;height:auto;font-family:inherit}
svg text{font-size:12.5px;fill:var(--ink)}svg text.tick,svg text.note{fill:var(--soft);font-size:12px}svg text.axis{font-size:13px}
svg text.head{font-size:13.5px;font-weight:600}svg text.label{paint-order:stroke;stroke:var(--paper);stroke-width:3.5px}
.grid{stroke:var(--grid)}.frame{stroke:var(--soft)}.target{stroke:var(--g2);stroke-dasharray:6 4;stroke-width:1.4}
.leader{stroke:var(--soft)}.roof{stroke:var(--ink);stroke-width:1.8}.ring{fill:none;stroke:var(--ink);stroke-width:1.2}
.dot{stroke:var(--paper);stroke-width:1;fill-opacity:.85}.bar{stroke:var(--paper);stroke-width:.6}
.s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}.s4{fill:var(--s4)}.s5{fill:var(--s5)}.s6{fill:var(--s6)}
.s7{fill:var(--s7)}.s8{fill:var(--s8)}.s9{fill:var(--s9)}.s10{fill:var(--s10)}
.g0{fill:var(--g0)}.g1{fill:var(--g1)}.g2{fill:var(--g2)}.g3{fill:var(--g3)}.g4{fill:var(--g4)}.g5{fill:var(--g5)}.g6{fill:var(--g6)}
.o0,.o1,.o2,.o3,.o4,.o5,.o6{fill:none}.dot.o0,.dot.o1,.dot.o2,.dot.o3,.dot.o4,.dot.o5,.dot.o6{stroke-width:1.7;pointer-events:all}
.dot.o0{stroke:var(--g0)}.dot.o1{stroke:var(--g1)}.dot.o2{stroke:var(--g2)}.dot.o3{stroke:var(--g3)}.dot.o4{stroke:var(--g4)}.dot.o5{stroke:var(--g5)}.dot.o6{stroke:var(--g6)}
.band{fill:var(--g1);fill-opacity:.13}.band.wide{fill-opacity:.08}.part{margin-top:72px;padding-top:16px;border-top:4px solid var(--ink)}
.legend{display:flex;flex-wrap:wrap;gap:3px 18px;font-size:13.5px;margin:6px 0;list-style:none;padding:0}
.legend li{display:flex;align-items:center;gap:6px}
details{margin:8px 0 4px}summary{cursor:pointer;font-size:14px;color:var(--soft)}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;margin:6px 0}
th,td{padding:3px 7px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--grid)}
th{white-space:normal;line-height:1.25;font-weight:600;border-bottom:1.5px solid var(--soft);vertical-align:bottom}.w{text-align:left}.l{white-space:normal;min-width:40ch;max-width:72ch}
.js th{cursor:pointer}th[aria-sort=ascending]:after{content:" \2191"}th[aria-sort=descending]:after{content:" \2193"}
tbody tr:hover{background:var(--card)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 20px;font-size:14px}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
#tip{position:fixed;pointer-events:none;background:var(--ink);color:var(--paper);font-size:13px;line-height:1.4;padding:6px 10px;border-radius:5px;white-space:pre-line;max-width:420px;z-index:9}
@media print{main{max-width:none;padding:0}body{font-size:11pt}nav,#tip{display:none}h1,h2,h3,summary{break-after:avoid}h2{margin-top:34px}.part{break-before:page}nav+.part{break-before:auto}
.legend,.card,tr{break-inside:avoid}.scroll{overflow:visible}td.w{white-space:normal;overflow-wrap:anywhere}@page{margin:14mm}
table{font-size:8pt}th,td{padding:1.5pt 4pt}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
)css";
}

std::string script() {
  return R"js(document.documentElement.classList.add('js');
const tip=document.createElement('div');tip.id='tip';tip.hidden=true;document.body.append(tip);
for(const mark of document.querySelectorAll('svg .tip')){const title=mark.querySelector('title');mark.dataset.tip=title.textContent;
mark.setAttribute('aria-label',title.textContent);title.remove();}
addEventListener('beforeprint',()=>{for(const folded of document.querySelectorAll('details'))folded.open=true;});
document.addEventListener('pointermove',event=>{const mark=event.target.closest&&event.target.closest('[data-tip]');tip.hidden=!mark;
if(!mark)return;tip.textContent=mark.dataset.tip;const box=tip.getBoundingClientRect();
tip.style.left=Math.max(4,Math.min(event.clientX+14,innerWidth-box.width-8))+'px';
tip.style.top=Math.max(4,Math.min(event.clientY+14,innerHeight-box.height-8))+'px';});
for(const heading of document.querySelectorAll('.sortable th')){heading.tabIndex=0;
const sort=()=>{const table=heading.closest('table'),body=table.tBodies[0],column=heading.cellIndex,words=heading.classList.contains('w');
const down=heading.getAttribute('aria-sort')==='ascending';
for(const other of table.querySelectorAll('th'))other.removeAttribute('aria-sort');
heading.setAttribute('aria-sort',down?'descending':'ascending');
const value=row=>{const text=row.cells[column].textContent;if(words)return text;
const number=text.replace(/,/g,'').match(/[-+]?[0-9][0-9.]*(e[-+]?[0-9]+)?/);return number?parseFloat(number[0]):-Infinity;};
const rows=[...body.rows].map(row=>[value(row),row]);
rows.sort((a,b)=>(words?a[0].localeCompare(b[0]):a[0]<b[0]?-1:a[0]>b[0]?1:0)*(down?-1:1));
body.append(...rows.map(pair=>pair[1]));};
heading.addEventListener('click',sort);heading.addEventListener('keydown',event=>{if(event.key==='Enter')sort();});}
)js";
}

}  // namespace tilewright::report
