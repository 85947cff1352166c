"""url_sanitizer and db_sanitizer beside the Collector's (test_redaction.py): generated texts of all kinds that they know, in
attributes, names of spans and bodies, and exactly the same output; what is meant to be different is a row of DEVIATIONS."""

import os
import pathlib
import random
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from redaction_case import Deviation, RedactionCase, for_each_group, text

SEED = 20261130
CONFIGS = 20
REQUESTS = int(os.environ.get("WEFT_REQUESTS", "500"))

KEYS = ["db.query.text", "db.statement", "url.full", "http.url", "note", "user.id"]
DATABASES = {"sql": ["mysql", "postgresql", "mariadb", "sqlite", "other_sql", "PostgreSQL"], "redis": ["redis"], "valkey": ["valkey"],
             "memcached": ["memcached"], "mongo": ["mongodb"], "opensearch": ["opensearch"], "es": ["elasticsearch"]}
UNKNOWN = ["oracle", "microsoft.sql_server", ""]

SQL = ["SELECT", "select", "*", "FROM", "users", "t1", "users2.col3", "WHERE", "a", "=", "1", "-2", "+3.5e-7", "'x'", "'it''s 4'",
       "'a\\'b'", "IN", "(", ")", ",", "(1,2,3)", "AND", "b>=0x1F", "c=-1", "c!=017", "TRUE", "false", "NULL", "nullable", "LIMIT 10",
       ";", "$1", "$12", "?", "=?", ":name", ":p1", "@v1", "@@global.x1", "@>", "->>", "->", "#>", "a->'k1'", "/* c 1 */", "-- c 2\n",
       " $$ body 1 $$", " $tag$ it's $tag$", " $func$ SELECT 1 $func$", "count(*)", "fn2(x)", "md5('x')", "INSERT INTO t VALUES", "é1",
       "日本2", "€5", "1.2.3", "12abc", "a-1", "a - 1", "x::int4", "e'\\n'", "\t", "\n", "||", "<@", "?|", "a.b.c4", "\\", "%", "~*",
       "2024-01-02", "1e9", ".5", "[1]", "{2}", "a@b.com", "/path/1", "!x", "<=>", "0", "00", "09",
       ' "users 1" ', ' "a"."b2" ', " `c3` ", " #4 ", ' "x" ']
REDIS = ["SET k v", "set k v EX 10", "GET k", "AUTH secret", "AUTH u p", "HSET h f v f2 v2", "HMSET h a 1 b 2 c", "MSET a 1 b 2",
         "ZADD z 1 a 2 b", "ZADD z NX CH 1 a", "ZADD z NX XX", "ZADD z", "CONFIG SET p v", "config get p", "BITFIELD k SET u8 0 255",
         "BITFIELD k GET u8 0 SET u8 1 2 INCRBY", "GEOADD g 1 2 a 3 4 b", "LPUSH l a b c", "LPUSH l", "LINSERT l BEFORE p v", "SADD s a",
         "SETEX k 10 v", "EVAL 'x' 1 k", "SET  k   v", "SET k \"a b\"", "  GET k", "PING", "\t", "",
         " ", "RESTORE k 0 v REPLACE", "GEORADIUSBYMEMBER k m 1 m", "GET k\t", "\r"]
ODD_REDIS = ["SET k \"a\\\" b\nc\" d", "SET k \\\" v", 'SET k " v']  # no SQL: a name in quotes has no end
MEMCACHED = ["set k 0 0 5\r\nvalue", "get k", " get k ", "incr k 5\r\n", "\r\nx", "a\nb", "\u00a0get k\u3000"]
JSON = ['{"a": 1}', '{"find":"users","filter":{"age":{"$gt":21},"n":"x"}}', "[1, -2.5e3, true, null, \"s\"]", '"x"', "12 ", " {} ", "[]",
        '{"a":[{"b":[]},{}],"c":"\\u00e9\\n"}', '{"a":}', "{'a':1}", "nul", "01", '{"a" : {"b" :[ 1 , [2] ]}}\n', "[1,]", "1 2",
        '{"query":{"match":{"user id":"kim"}},"size":10}', "[[1],2]", '{"a":1,"a":"2"}', "-", "1e5", '"\\x"', "tru", "{}{}"]
URLS = ["/users/123", "/api/v1/users/4f2a", "https://example.com/orders/9?id=4#x", "GET /users/{id}/posts", "/a/b/c", "", "/", "//",
        "/health", "/attach/5/x?token=a", "/xqzjvk/profile", "GET /xkcdqwrtz/1", "/v1/é/x", "/k8s/pod-name_x.y/z", "/123", "123/456", "?x",
        "/jwfvkq?a", "POST /login&x", "plain words", "xqzv", "http://10.0.0.1:8080/metrics", "/user/u1/", "*", "/*/x", "héllo/wörld"]
KINDS = ["sql", "redis", "memcached", "json", "url"]


class Source:
    """Configs and requests at random."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def chance(self, share):
        return self.random.random() < share

    def sanitizer(self):
        made = {"enabled": self.chance(0.8)}
        return made | ({"attributes": self.random.sample(KEYS, self.random.randint(1, 4))} if self.chance(0.8) else {})

    def config(self):
        db = {name: self.sanitizer() for name in DATABASES if self.chance(0.5)}
        for name in ("opensearch", "es"):  # whose attributes the Collector does not look at
            db.get(name, {}).pop("attributes", None)
        config = {"allow_all_keys": self.chance(0.9), "allowed_keys": ["db.system", *KEYS[:4]], "url_sanitizer": self.sanitizer(),
                  "db_sanitizer": db, "summary": self.random.choice(["", "debug"]), "redact_all_types": self.chance(0.2)}
        for block in ("url_sanitizer", "db_sanitizer"):
            if self.chance(0.6):
                config[block]["sanitize_span_name"] = self.chance(0.7)
        config |= {"allowed_values": ["^/health"]} if self.chance(0.2) else {}
        self.has_sql = db.get("sql", {}).get("enabled", False)
        return config | ({"blocked_values": ["[a-z]+@[a-z.]+", "secret"]} if self.chance(0.3) else {})

    def text(self, has_quotes):
        while True:
            made = self.text_of(self.random.choice(KINDS))
            if has_quotes or not set(made) & set('"`#'):
                return made

    def text_of(self, kind):
        pick = self.random.choice
        if kind == "sql":
            return "".join(pick(SQL) + pick(["", " ", " ", " "]) for _ in range(self.random.randint(0, 12)))
        if kind == "redis":
            return pick(["\n", "\n", "\r\n", "\n \n"]).join(pick(REDIS + ([] if self.has_sql else ODD_REDIS)) for _ in range(self.random.randint(1, 3)))
        return pick({"memcached": MEMCACHED, "json": JSON, "url": URLS}[kind])

    def attributes(self, system_key, system):
        """What is in double quotes is a name to the Collector, in MySQL's attributes and MariaDB's, too (DEVIATIONS)."""
        has_quotes = system not in ("mysql", "mariadb")
        made = [{"key": key, "value": self.value(has_quotes)} for key in self.random.sample(KEYS, self.random.randint(0, 5))]
        if system is not None:
            made.append({"key": system_key, "value": text(system)})
        if self.chance(0.3):
            made.append({"key": self.random.choice(["http.route", "http.request.method", "url.path"]), "value": text("x")})
        return made

    def value(self, has_quotes):
        if self.chance(0.1):
            return self.random.choice([{"intValue": "42"}, {"boolValue": True}, {"doubleValue": 2.5}])
        return text(self.text(has_quotes))

    def system(self):
        systems = [system for some in DATABASES.values() for system in some] + UNKNOWN
        return self.random.choice(systems) if self.chance(0.8) else None

    def has_attributes(self, *system, **more):
        key = self.random.choice(["db.system", "db.system.name"])
        return {"attributes": self.attributes(key, *(system or [self.system()])), **more}

    def request(self):
        system = self.system()
        span = self.has_attributes(system, name=self.text(system != "mariadb"), kind=self.random.randint(0, 5), events=[self.has_attributes(name="/users/123")])
        traces = {"resourceSpans": [{"resource": self.has_attributes(), "scopeSpans": [{"spans": [span]}]}]}
        record = self.has_attributes(body=self.value(True))
        logs = {"resourceLogs": [{"resource": self.has_attributes(), "scopeLogs": [{"logRecords": [record]}]}]}
        point = self.has_attributes(timeUnixNano="1")
        metrics = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {"dataPoints": [point]}}]}]}]}
        return self.random.choice([("traces", traces), ("traces", traces), ("logs", logs), ("logs", logs), ("metrics", metrics)])


URL = {"url_sanitizer": {"enabled": True, "attributes": ["a"]}}
LONG_PATH = "/a/b/c/d/e/f/g/h/"


def db(name):
    return {"db_sanitizer": {name: {"enabled": True, "attributes": ["a"]}}}


def of_sql(why, statement, collector, weft, system="sqlite"):
    return Deviation(why, db("sql"), text(statement), text(collector), text(weft), system)


DEVIATIONS = [
    of_sql("MySQL's attributes are read as MySQL, as the names of its spans are", 'a = "x 1"', 'a = "x ?"', "a = ?", "mysql"),
    of_sql("MariaDB is MySQL's dialect", 'a = "x 1"', 'a = "x ?"', "a = ?", "mariadb"),
    of_sql("a double quote that stays open does not end it", "a = \"x 1 'y'", "a = \"x 1 'y'", 'a = "x ? ?'),
    of_sql("what is open at the end is hidden", "a = $t$ it's", "a = $t$ it's", "a = ?"),
    of_sql("a tag need not be of ASCII", "$é$ x $é$ 1", "$é$ x $é$ 1", "? ?"),
    of_sql("a $ that begins no tag does not end it", "$ x = 1, 'y'", "$ x = 1, 'y'", "$ x = ?, ?"),
    of_sql("a word before a point is a name", "from.1e5", "from.?", "from.?e?"),
    of_sql("what is a letter is decided by blocks", "a\u055a1.5", "a\u055a?", "a\u055a?.?"),
    Deviation("attributes of opensearch are looked at, too", db("opensearch"), text('{"a":1}'), text('{"a":1}'), text('{"a":"?"}'),
              "opensearch"),
    Deviation("those of es are, too", db("es"), text('{"a":1}'), text('{"a":1}'), text('{"a":"?"}'), "elasticsearch"),
    Deviation("maps and arrays in attributes are looked into", URL, {"arrayValue": {"values": [text("/users/123")]}},
              {"arrayValue": {"values": [text("/users/123")]}}, {"arrayValue": {"values": [text("/users/*")]}}),
    Deviation("the last segment that is looked at is one *", URL, text(LONG_PATH + "123/x"), text(LONG_PATH + "**"),
              text(LONG_PATH + "*")),
    Deviation("of it nothing stays", URL, text(LONG_PATH + "xqzword/x"), text(LONG_PATH + "*qzword"), text(LONG_PATH + "*")),
]


@for_each_group(CONFIGS)
class Sanitizers(RedactionCase):
    def generated(self, group):
        changed = self.check_generated(Source(SEED + group), REQUESTS)
        self.assertGreater(changed, 0.2, "hardly anything was sanitized")

    def test_deviations_are_as_they_are_written_down(self):
        self.check_deviations(DEVIATIONS)


if __name__ == "__main__":
    unittest.main()
