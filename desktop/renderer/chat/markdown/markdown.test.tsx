import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { Markdown } from './markdown.tsx'
import { ImagesOf } from './remote-image.tsx'

const render = (text: string) => renderToStaticMarkup(<Markdown text={text} />)
/** What stands in the page, without the element around all blocks. */
const inner = (text: string) => render(text).replace(/^<div class="markdown">|<\/div>$/g, '')

test('prose, emphasis, code and lists become the elements that say so', () => {
  expect(inner('# One\n\nA *b* **c** ~~d~~ `e`\n\n1. x\n2. y\n   - z\n\n> q\n\n---')).toBe(
    '<h3 data-depth="1">One</h3><p>A <em>b</em> <strong>c</strong> <del>d</del> <code>e</code></p>' +
      '<ol start="1"><li>x</li><li>y<ul><li>z</li></ul></li></ol><blockquote><p>q</p></blockquote><hr/>',
  )
})

test('a list can begin at any number, and tasks have boxes that nobody can tick', () => {
  expect(inner('7. a\n\n- [x] done\n- [ ] open')).toMatchInlineSnapshot(
    `"<ol start="7"><li>a</li></ol><ul><li class="task"><input type="checkbox" readOnly="" disabled="" aria-label="Task" checked=""/>done</li><li class="task"><input type="checkbox" readOnly="" disabled="" aria-label="Task"/>open</li></ul>"`,
  )
})

test('a table keeps its alignment and breaks lines where its author did', () => {
  expect(inner('| a | b |\n|---|--:|\n| 1<br>2 | 3 |')).toContain('<tbody><tr><td>1<br/>2</td><td data-align="right">3</td></tr></tbody>')
})

test('character references are read as the characters they stand for, in text and not in code', () => {
  expect(inner('a &amp; b &lt;c&gt; &#8594; &nope; `&amp;`')).toBe('<p>a &amp; b &lt;c&gt; → &amp;nope; <code>&amp;amp;</code></p>')
})

test('HTML of any kind is shown as text and never becomes an element', () => {
  const hostile = [
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    'a <b onclick="alert(1)">b</b> <iframe src="https://evil.example"></iframe>',
    '<svg><style>*{display:none}</style></svg>',
    '<!-- <script> -->',
    '<a href="javascript:alert(1)">x</a>',
    '| <img src=x onerror=alert(1)> |\n|---|\n| <script>1</script> |',
    '- <form action="https://evil.example"><input name=a></form>',
    '# <style>body{}</style>',
  ]
  for (const text of hostile) {
    const tags = new Set([...render(text).matchAll(/<\/?([a-z0-9-]+)/gi)].map(([, name]) => name!.toLowerCase()))
    for (const tag of ['script', 'img', 'iframe', 'svg', 'style', 'a', 'form', 'input', 'b']) expect(tags, text).not.toContain(tag)
  }
})

test('a link tells its address, opens apart, and hands over neither this window nor where it was', () => {
  expect(inner('[words](https://example.com/x "hidden")')).toBe(
    '<p><a href="https://example.com/x" title="https://example.com/x" target="_blank" rel="noopener noreferrer nofollow">words</a></p>',
  )
})

test('links that run something, and relative ones, are text with their address', () => {
  for (const address of ['javascript:alert(1)', 'data:text/html,x', '&#106;avascript:alert(1)', '/settings', 'file:///etc/passwd']) {
    const html = render(`[press](${address})`)
    expect(html).not.toContain('<a')
    expect(html).toContain('refused-link')
  }
})

test('a link whose words claim another address says where it truly leads', () => {
  expect(render('[https://bank.com](https://evil.example/)')).toContain('</a><span class="address"> (evil.example)</span>')
})

test('words of a link cannot be turned around', () => {
  expect(render('[moc.\u202eknab](https://evil.example/)')).not.toContain('\u202e')
})

test('an image that lies elsewhere is its words and its address, and loads nothing', () => {
  const html = render('![a picture](https://evil.example/a.png?q=secret)')
  expect(html).not.toContain('<img')
  expect(html).toContain('Image: a picture')
  expect(html).toContain('href="https://evil.example/a.png?q=secret"')
})

test('where images can be asked for, a button does it, and beside it stands who is asked and what they learn', () => {
  const of = { conversationId: 'c', messageId: 'm', link: { client: () => Promise.reject(new Error('not asked')) } }
  const html = renderToStaticMarkup(
    <ImagesOf value={of}>
      <Markdown text="![a picture](http://pictures.example/a.png)" />
    </ImagesOf>,
  )
  const noteId = /<small id="([^"]+)"/.exec(html)?.[1]
  expect(html).toContain(`aria-label="Show image: a picture" aria-describedby="${noteId}"`)
  expect(html).toContain('Fusion will ask pictures.example')
  expect(html).toContain('not encrypted')
  expect(html).not.toContain('<img')
})

test('an image inside a link stands beside it, so that a press on its button does not follow the link', () => {
  const html = inner('[![state](https://ci.example/badge.png)](https://ci.example/)')
  expect(html).toMatch(/^<p><a href="https:\/\/ci.example\/"[^>]*>state<\/a><span class="image not-shown">/)
})

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAUAAAADCAIAAADUVFKvAAAAFElEQVR4nGM8YaPBgASYGFABOh8AN0gBMlDdnAwAAAAASUVORK5CYII='

test('a small image that is written out in the answer is drawn, whatever kind it calls itself', () => {
  for (const kind of ['image/png', 'image/jpeg', 'text/html', '']) {
    expect(inner(`![a picture](data:${kind};base64,${png})`)).toBe(
      '<p><span class="image"><img width="5" height="3" alt="a picture" decoding="async"/></span></p>',
    )
  }
})

test('what is written out and is no small image stays words that say why', () => {
  const large = Buffer.from(png, 'base64')
  large.writeUInt32BE(50_000, 16)
  large.writeUInt32BE(50_000, 20)
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>').toString('base64')
  for (const [address, why] of [
    ['data:image/png;base64,AAAA', 'does not show images of this kind'],
    ['data:image/png;base64,%%%', 'does not show images of this kind'],
    [`data:image/png;base64,${Buffer.from('<html>').toString('base64')}`, 'does not show images of this kind'],
    [`data:image/png;base64,${svg}`, 'is an SVG'],
    ['data:image/svg+xml,<svg/>', 'is an SVG'],
    [`data:image/png;base64,${large.toString('base64')}`, '50000 by 50000 pixels'],
    ['javascript:alert(1)', 'does not show images of this kind'],
  ] as const) {
    const html = render(`![a picture](${address})`)
    expect(html).not.toMatch(/<img|<a |<button/)
    expect(html).toContain('Image: a picture')
    expect(html).toContain(why)
  }
})

test('code that is not closed yet is code to its end', () => {
  expect(inner('```js\nlet a = "<b>"\n')).toContain('<code>let a = &quot;&lt;b&gt;&quot;</code>')
})

test('mathematics stays as it was written', () => {
  expect(inner('$$\\int_0^1 x^2 dx$$ and $a_1 * b_2$')).toContain('$a_1 * b_2$')
})

test('a table of ten thousand rows shows a hundred and offers the rest', () => {
  const html = render(`| a |\n|---|\n${'| 1 |\n'.repeat(10_000)}`)
  expect(html.match(/<tr>/g)).toHaveLength(1 + 100 + 1)
  expect(html).toContain('Show 500 more rows of 9,900')
})

test('a line of a megabyte is shown in part, in pieces', () => {
  const html = render('x'.repeat(1_000_000))
  expect(html.length).toBeLessThan(80_000)
  expect(html).toContain('Show more (940k characters)')
})

test.for([
  ['quotes', '>'.repeat(20_000)],
  ['lists', Array.from({ length: 400 }, (_, depth) => `${'  '.repeat(depth)}- a`).join('\n')],
  ['brackets', `${'['.repeat(3_000)}a${'](https://x.y)'.repeat(3_000)}`],
] as const)('%s thousands deep are rendered without an overflow', ([, text]) => {
  expect(render(text)).toContain('<div class="markdown">')
})

test.for([
  ['between two paragraphs', 'One.\n\nTwo.', '|Two', '<p>One.</p><hr/><p>Two.</p>'],
  ['in the middle of a sentence', 'It is *so*, and then more.', '|, and', '<p>It is <em>so</em></p><hr/><p>, and then more.</p>'],
  ['behind all that was written so far', 'One.\n\nTwo', '|', '<p>One.</p><p>Two</p><hr/>'],
  ['beside a list that it runs through', 'One.\n\n- a\n- b\n- c', '|- c', '<p>One.</p><ul><li>a</li><li>b</li><li>c</li></ul><hr/>'],
  ['behind a paragraph whose rest would read as a list', 'It is 1. a word', '|1.', '<p>It is 1. a word</p><hr/>'],
] as const)('a seam stands %s', ([, text, place, expected]) => {
  const at = place === '|' ? text.length : text.indexOf(place.slice(1))
  const html = renderToStaticMarkup(<Markdown text={text} seams={[{ at, line: <hr /> }]} />)
  expect(html.replace(/^<div class="markdown">|<\/div>$/g, '')).toBe(expected)
})
