// Every word on the page, in both languages.

const EN = {
  pageTitle: 'Lookup demo: one change, seen by a phone and a gate',
  title: 'One change, two readers',
  madeUp: 'A made city: 10,000 made people, portraits drawn by code. Nobody here is real.',
  language: 'Language',
  phoneTitle: 'The phone',
  gateTitle: 'The gate',
  controlsTitle: 'The source of truth',
  phone: 'Phone',
  gate: 'Gate',
  green: 'Green code',
  yellow: 'Yellow code',
  red: 'Red code',
  none: 'No answer',
  absent: 'No such person',
  rulingGreen: 'Open',
  rulingYellow: 'Ask staff',
  rulingRed: 'Closed',
  rulingNone: 'Ask staff',
  asOf: 'True as of',
  qrLabel: "QR code with this person's token for a gate",
  qrHint: 'The code holds a token, valid for 90 s. No name, no number.',
  gatePhoto: 'Photo, by GetPhoto',
  cameraRead: (chars) => `Camera: read ${chars} characters`,
  cameraSeeks: 'Camera: looks for a code',
  layer: 'Answered by',
  version: 'Version',
  age: 'Age',
  took: 'Lookup took',
  memory: 'memory',
  redis: 'Redis',
  source: 'source',
  whose: 'Whose phone',
  person: (n) => `Person ${n}`,
  change: 'Change something',
  own: 'Own color',
  areaNote: (people) => `least color of its ${people} people`,
  areaGroup: (name) => `Least color in ${name}`,
  ownGroup: 'Own color of this person',
  greenShort: 'Green',
  yellowShort: 'Yellow',
  redShort: 'Red',
  replacePhoto: 'Replace the photo',
  idleTitle: 'Press a button: how long until both show it?',
  changedOwn: (color) => `Own color → ${color}`,
  changedArea: (name, color) => `${name} → ${color}`,
  changedPhoto: 'A new photo',
  ms: (n) => `${n} ms`,
  waits: 'waits…',
  late: 'not within 10 s',
  arrivedBadge: (n) => `new after ${n} ms`,
  measured: (commit) =>
    `Committed in ${commit} ms. Timed from the commit's acknowledgement until this page held the answer ` +
    'that shows it; each reader asks every 30 ms meanwhile.',
  idleNote: 'Measured from the commit until this page holds the new answer.',
  nothing: 'Nothing to see: the effective color, the worst of own and districts, stays as it was.',
  failed: 'The change could not be written.',
  spoken: (what, phone, gate) => `${what}. Phone: ${phone}. Gate: ${gate}.`,
  stale: (time) => `Old answer: true as of ${time}`,
  noAnswerNow: (time) => `No answer now. Last one: true as of ${time}`,
  nothingYet: 'The service has not answered yet.',
  photoOf: 'Portrait (made by code)',
  how: 'What happens',
  how1:
    'A button writes one row to the source; a trigger adds one row to its outbox, ' +
    'however many people live in a district.',
  how2: 'The service follows the outbox and changes what it holds in memory. Nothing expires, nothing is read again.',
  how3: 'Phone and gate are answered from that memory, each answer with the time at which it was true.',
  how4:
    "The milliseconds run from the commit's acknowledgement until this page holds the answer that " +
    'shows the change. Each reader asks every 30 ms meanwhile.',
  dateLocale: 'en-GB',
};

const ZH = {
  pageTitle: '查询演示：一次更改，手机与闸机同时可见',
  title: '一次更改，两处可见',
  madeUp: '虚构的城市：一万名虚构市民，头像由程序绘制，均非真人。',
  language: '语言',
  phoneTitle: '手机',
  gateTitle: '闸机',
  controlsTitle: '数据源',
  phone: '手机',
  gate: '闸机',
  green: '绿码',
  yellow: '黄码',
  red: '红码',
  none: '暂无结果',
  absent: '查无此人',
  rulingGreen: '放行',
  rulingYellow: '人工核验',
  rulingRed: '禁止通行',
  rulingNone: '人工核验',
  asOf: '数据时间',
  qrLabel: '供闸机读取的二维码，内含此人的令牌',
  qrHint: '二维码内是 90 秒有效的令牌，不含姓名和证件号。',
  gatePhoto: '照片（GetPhoto）',
  cameraRead: (chars) => `摄像头：读到 ${chars} 个字符`,
  cameraSeeks: '摄像头：正在寻找二维码',
  layer: '应答来自',
  version: '版本',
  age: '数据年龄',
  took: '查询用时',
  memory: '内存',
  redis: 'Redis',
  source: '数据源',
  whose: '谁的手机',
  person: (n) => `市民 ${n}`,
  change: '更改',
  own: '本人颜色',
  areaNote: (people) => `区内 ${people} 人的最低颜色`,
  areaGroup: (name) => `${name}的最低颜色`,
  ownGroup: '此人的本人颜色',
  greenShort: '绿',
  yellowShort: '黄',
  redShort: '红',
  replacePhoto: '更换照片',
  idleTitle: '按任意按钮，看两处多久显示',
  changedOwn: (color) => `本人颜色 → ${color}`,
  changedArea: (name, color) => `${name} → ${color}`,
  changedPhoto: '新照片',
  ms: (n) => `${n} 毫秒`,
  waits: '等待中…',
  late: '10 秒内未到',
  arrivedBadge: (n) => `${n} 毫秒后更新`,
  measured: (commit) =>
    `提交用时 ${commit} 毫秒。计时从提交得到确认起，到本页收到新结果为止；其间手机与闸机每 30 毫秒各查询一次。`,
  idleNote: '计时从提交得到确认起，到本页收到新结果为止。',
  nothing: '画面不变：最终颜色取本人与所在各区中最严重者，仍与之前相同。',
  failed: '更改未能写入。',
  spoken: (what, phone, gate) => `${what}。手机：${phone}。闸机：${gate}。`,
  stale: (time) => `旧信息：数据时间 ${time}`,
  noAnswerNow: (time) => `目前没有应答。上一次数据时间 ${time}`,
  nothingYet: '服务尚未应答。',
  photoOf: '头像（程序绘制）',
  how: '背后发生了什么',
  how1: '按钮在数据源写入一行；触发器在发件箱（outbox）里记一行，一个区无论有多少人都只记一行。',
  how2: '服务跟随发件箱，更新内存中的记录；没有过期，也不必重读。',
  how3: '手机和闸机都由这份内存应答，每个结果都带着它成立的时间。',
  how4: '毫秒数从提交得到确认起，到本页收到新结果为止；其间手机与闸机每 30 毫秒各查询一次。',
  dateLocale: 'zh-CN',
};

const TEXTS = { en: EN, zh: ZH };

let language = (navigator.language ?? 'en').toLowerCase().startsWith('zh') ? 'zh' : 'en';

/** The texts of the language chosen. */
export const t = () => TEXTS[language];

/** A color's words are always shown in both. */
export const otherTexts = () => TEXTS[language === 'en' ? 'zh' : 'en'];

export const isChinese = () => language === 'zh';

/** Writes every fixed text into the page. */
export function useLanguage(chosen = language) {
  language = chosen;
  document.documentElement.lang = chosen === 'zh' ? 'zh-CN' : 'en';
  document.title = t().pageTitle;
  for (const node of document.querySelectorAll('[data-text]'))
    node.textContent = t()[node.dataset.text];
  for (const node of document.querySelectorAll('[data-label]'))
    node.setAttribute('aria-label', t()[node.dataset.label]);
  for (const node of document.querySelectorAll('[data-language]'))
    node.setAttribute('aria-pressed', String(node.dataset.language === chosen));
}

/** 09:41:22.3 */
export function timeOf(ms) {
  const date = new Date(ms);
  const two = (n) => String(n).padStart(2, '0');
  const tenths = Math.floor(date.getMilliseconds() / 100);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${tenths}`;
}
