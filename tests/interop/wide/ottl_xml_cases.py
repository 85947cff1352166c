"""Calls for test_ottl of the converters that an XPath leads through XML: documents well and badly formed, and paths of every kind.

DEVIATIONS are calls that weft answers otherwise on purpose, or that it refuses where the Collector takes them.
"""

import json

# Namespaces, CDATA, comments, entities, instructions, spaces, several roots, letters beyond ASCII; then what is no XML.
DOCUMENTS = [
    '<a x="1"><b n="1">one</b><b n="2" m="q">two</b><c><b n="3">three</b></c>tail</a>', "<a><a><a>x</a></a></a>", "<a/>", "<a></a>", "<a/><b/>",
    '<?xml version="1.0" encoding="UTF-8"?>\n<!-- top -->\n<a>\n  <b>1</b>\n  <b>2</b>\n</a>\n', "<a>t1<!-- c1 -->t2<![CDATA[<x>&]]>t3</a>",
    "<a><![CDATA[only]]></a>", "<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x20AC;</a>", "<a v=\"&lt;&gt;&amp;&quot;&apos;'\"/>", "<a v='say \"hi\"'/>",
    '<p:a xmlns:p="u" p:x="1" x="2"><p:b>1</p:b><b>2</b></p:a>', '<a xmlns="u" x="1"><b xmlns="v">1</b></a>',
    '<x:a xmlns:x="u" xmlns:y="u" x:k="1" y:l="2"><y:b/><x:b/></x:a>', '<a:b xmlns:a="a"><a:c a:d="e"/></a:b>', '<a q:b="c" d="e"><q/></a>',
    '<a xmlns:p="u" xmlns="u"><p:b/><b/></a>', '<a xmlns="u" xmlns:p="u"><p:b p:x="1"/><b/></a>',
    '<a><b xmlns:p="u" p:k="1"/><p:c xmlns:p="w" p:k="2"/></a>', '<a xml:space="default">  t  <b xml:space="preserve">  u  </b><b>  v  </b></a>',
    '<a xml:lang="en"><b xml:lang="de"/></a>', "<a/>x<b>y</b>z", " <a/> ", "<!-- c --><a/>", "pre<a/>post<!-- p -->",
    "<!DOCTYPE a [<!ELEMENT a (#PCDATA)>]><a>x</a>", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e ">">]><a>x</a>',
    '<?pi some data?><a><?pi2 x="y"?>t<?pi3?></a>', '<a><?pi2 x="y"?>t<?pi3?><b/></a><?end z?>', '<?xml-stylesheet href="s"?><a/>',
    ' <?xml version="1.0"?><a/>', "<?xml version='1.0'  standalone = 'yes' encoding='utf-8'?><a/>", "<?xml?><a/>", '<é ü="ö">日本<ñ/></é>',
    "<a> <b/> </a>", "<a> <b>x</b> y <b/> </a>", "<a>\r\n<b>\r</b></a>", '<a b="x\ny\tz\r\n"/>', '<a b="1" b="2" c="3"/>',
    "<a", "<a>", "</a>", "<a></b>", "x", "", "<a>&nbsp;</a>", "<a b=c/>", "<p:a/>", "<a><b></a></b>", "<a>]]></a>", "<1/>", '<a b="<"/>',
]
WITH_PATHS = [
    '<a x="1"><b n="1">one</b><b n="2" m="q">two</b><c k="v"><b n="3">three</b></c><p:b xmlns:p="u" p:x="7">7</p:b><b> 8 </b>tail</a>',
    '<log><!-- secret --><r><n type="archive">1</n></r><r><n type="live">22</n>x<![CDATA[y]]></r>\n<é ü="ö">sensitive</é></log>',
]
PATHS = [
    "/", "/*", "/a", "/a/b", "a/b", "./a", ".", "//b", ".//b", "/a//b", "//c/b", "/a/*", "/a/*/*", "/b", "//é", "//z", "/log/r/n",
    "/a/@*", "//@*", "//@n", "//b/@n", "//@ü", "//p:b", "//@p:x", "/a/text()", "//text()", "//comment()", "//r/node()", "//b/text()",
    "/a/b | /a/c", "//b | //@n", "//c/b | //b", "//n | //n | /log/r/n", "//b[1]", "//b[2]", "/a/b[last()]", "//b[position() < 3]",
    "//b[position() = last()]", "//b[1][@n]", "/a/b[2]/@n", "//*[@n]", "//b[@n='2']", "//b['2' = @n]", "//b[@n != '2']", "//b[@n='2' or @n='3']",
    "//b[@n and @m]", "//b[@n and not(@m)]", "//*[(@n or @k) and not(@m)]", "//b[. = 'two']", "//b[text() = 'two']", "//b[. = 8]", "//b[. > 7.5]",
    "//b[@n >= 2]", "//b[2 > @n]", "//n[. <= 1]", "//*[contains(text(), 'sensitive')]", "//comment()[contains(., 'secret')]",
    "//*[starts-with(., 't')]", "//*[ends-with(., 'e')]", "//@*[local-name() != 'n']", "//*[name() = 'p:b']", "//*[local-name() = 'b']",
    "//*[starts-with(name(), 'p:')]", "/log/r[./n/@type='archive']", "//r[n > 5]", "//r[n]", "//r[not(n)]", "//*[count(b) > 2]/@x", "//c[.//b[@n='3']]",
    "//text()['x']", "//text()[contains(., 't')]", "//@*[. = '1']", "//*[not(*)]/@*", " / a / b [ 1 ] ", "//b[", "//b[@n=]", "//", "/a/", "", "//b[contains(.)]",
]
ADDED = '<n k="1"> z </n>t<m/>'

# The call, and why.
DEVIATIONS = {
    'GetXML("<a><b>x</b>y</a>", "//node()")': "each node is written as it stands in the document; the Collector links those within one another anew",
    'GetXML("<a k=\'1\'><b k=\'1\'/>y</a>", "//*[@k]")': "the same",
    'ConvertAttributesToElementsXML("<?xml version=\'1.0\'?><!DOCTYPE a [<!-- c --><!ELEMENT a ANY>]><a/>")': "a comment in a DOCTYPE stays",
    'GetXML($xml, "//b/..")': "the parent is refused",
    'GetXML($xml, "//b/ancestor::a")': "axes by name are",
    'GetXML($xml, "(//b)[1]")': "a path in parentheses is",
    'GetXML($xml, "//b[@c][1]")': "a position behind another condition is, which the Collector counts in all of the document",
    'GetXML($xml, "//@*[1]")': "a position among attributes is, of which each is the first in the Collector",
    'GetXML($xml, "//b[last()-1]")': "arithmetic is",
    'GetXML($xml, "//b[string-length(.) = 1]")': "most functions are",
    'GetXML($xml, "count(//b)")': "what gives no nodes is; the Collector gives an empty text",
    'GetXML($xml, "//b]")': "what follows the path is, which the Collector does not look at",
}


def quoted(text):
    return json.dumps(text, ensure_ascii=False)


def calls():
    for document in map(quoted, DOCUMENTS):
        yield f'GetXML({document}, "/*")'
        yield f'GetXML({document}, "//@* | //text()")'
        yield f'RemoveXML({document}, "//b | //@x | //comment()")'
        yield f'InsertXML({document}, "//a", {quoted(ADDED)})'
        yield f'InsertXML("<a/>", "/a", {document})'
        yield f"ConvertAttributesToElementsXML({document})"
        yield f"ConvertTextToElementsXML({document})"
    for document in map(quoted, WITH_PATHS):
        for path in map(quoted, PATHS):
            yield f"GetXML({document}, {path})"
            yield f"RemoveXML({document}, {path})"
            yield f"InsertXML({document}, {path}, {quoted(ADDED)})"
            yield f"ConvertAttributesToElementsXML({document}, {path})"
            yield f'ConvertTextToElementsXML({document}, {path}, "t")'
    for target in ("$s", "$int", "$map", "$missing", "nil"):
        yield f'GetXML({target}, "/a")'
        yield f'RemoveXML({target}, "/a")'
        yield f'InsertXML($xml, "/a", {target})'
    for path in ("//b[text() = 'x']", "//b[. = 'x']", "//b[contains(text(), 'x')]", "//text()[contains(., 'x')]"):
        yield f'GetXML("<a><b><![CDATA[x]]></b><b>x</b></a>", "{path}")'
    yield 'GetXML(target = $xml, xPath = "/a/b")'
    yield 'InsertXML($xml, xPath = "/a/b", subDocument = "<c/>")'
    yield 'ConvertTextToElementsXML("<a>x<b/></a>", elementName = "t")'
    yield from DEVIATIONS
