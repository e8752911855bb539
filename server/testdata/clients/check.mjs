// What the programs beside this one share.

export const base = process.env.MOM_BASE;
export const key = process.env.MOM_KEY;
export const TEXT = 'Grüße from Paris.';

export function check(what, good, seen) {
  if (!good) {
    console.error(what + ':', seen);
    process.exit(1);
  }
  console.log('ok ' + what);
}

// raises wants an error of exactly this class.
export async function raises(kind, what, ask, code) {
  let got;
  try {
    got = await ask();
  } catch (e) {
    check(what, e.constructor === kind && (code === undefined || e.code === code), e);
    return e;
  }
  check(what, false, got);
}

export async function all(stream) {
  const list = [];
  for await (const x of stream) list.push(x);
  return list;
}

export const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };
