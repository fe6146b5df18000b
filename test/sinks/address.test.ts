import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPublicAddress, refuseTarget } from '../../src/sinks/address.ts';

const NOT_PUBLIC = [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '100.100.100.200',
  '127.0.0.1',
  '127.255.255.254',
  '168.63.129.16',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.1.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.1.1.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::127.0.0.1',
  '::8.8.8.8',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:a9fe:a9fe',
  '0:0:0:0:0:ffff:10.0.0.1',
  '::ffff:0:127.0.0.1',
  '64:ff9b::127.0.0.1',
  '64:ff9b::a00:1',
  '64:ff9b:1::8.8.8.8',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '2002:808:808::1',
  '2606:4700::5efe:127.0.0.1',
  '2606:4700::200:5efe:8.8.8.8',
  '3fff::1',
  '5f00::1',
  'fc00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fe80::1%eth0',
  '2606:4700::1%eth0',
  'fec0::1',
  'ff02::1',
  'FE80::1',
  '',
  'localhost',
  '127.1',
  '0x7f000001',
  '2130706433',
  '1.1.1.1:80',
  '[::1]',
  ' 8.8.8.8',
];
const PUBLIC = [
  '1.1.1.1',
  '8.8.8.8',
  '11.0.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '172.15.0.1',
  '172.32.0.1',
  '192.0.1.1',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2a00:1450:4001:80b::200e',
  '::ffff:8.8.8.8',
  '::FFFF:808:808',
  '64:ff9b::8.8.8.8',
];

describe('isPublicAddress', () => {
  it.each(NOT_PUBLIC)('refuses %s', address => expect(isPublicAddress(address)).toBe(false));
  it.each(PUBLIC)('takes %s', address => expect(isPublicAddress(address)).toBe(true));

  it('judges an IPv4 address the same in all IPv6 spellings of the mapped form', () => {
    fc.assert(
      fc.property(fc.ipV4(), dotted => {
        const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number);
        const high = (a * 256 + b).toString(16);
        const low = (c * 256 + d).toString(16);
        const spellings = [
          `::ffff:${dotted}`,
          `::ffff:${high}:${low}`,
          `0:0:0:0:0:FFFF:${high}:${low}`,
          `64:ff9b::${dotted}`,
        ];
        return spellings.every(spelling => isPublicAddress(spelling) === isPublicAddress(dotted));
      }),
    );
  });

  it('takes no IPv6 address outside of global unicast, but those that stand for a public IPv4 address', () => {
    fc.assert(
      fc.property(fc.ipV6(), address => {
        if (!isPublicAddress(address)) return true;
        return /^[23]/.test(address) || /^(::|0)/.test(address) || /^0*64:ff9b:/i.test(address);
      }),
    );
  });
});

describe('refuseTarget', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://017700000001/',
    'http://127.0.0.1./',
    'http://①②⑦.0.0.1/',
    'http://127。0。0。1/',
    'http://%31%32%37.0.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[0:0:0:0:0:ffff:7f00:1]/',
    'http://[fe80::1%25eth0]/',
    'http://localhost/',
    'http://LOCALHOST./',
    'http://a.localhost/',
    'http://[64:ff9b::7f00:1]/',
    'ftp://example.org/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'http://user:pass@example.org/',
    'http://user@1.1.1.1/',
    'x',
    '',
  ])('refuses %s', url => expect(refuseTarget(url, false)).not.toBeNull());

  it('leaves names to the moment of connecting', () => expect(refuseTarget('https://example.org/x', false)).toBeNull());

  it('lets private addresses pass where the configuration says so, other schemes never', () => {
    expect(refuseTarget('http://127.0.0.1/', true)).toBeNull();
    expect(refuseTarget('file:///etc/passwd', true)).not.toBeNull();
    expect(refuseTarget('http://user:pass@127.0.0.1/', true)).not.toBeNull();
  });
});
