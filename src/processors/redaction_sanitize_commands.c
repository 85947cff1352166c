/* Commands of Redis (or Valkey) and memcached without their values (redaction_sanitize.h). What is a command and what
 * its arguments are is decided as the Collector's db_sanitizer does, down to spaces at the start of lines. */
#include <strings.h>

#include "base/assert.h"
#include "processors/redaction_sanitize.h"

/* Which arguments of a command are values, numbered from 0. */
enum hiding {
    ONE,      /* that one */
    BEHIND,   /* that one stands for all behind it */
    EACH,     /* that one, and then each `step` further */
    CONFIG,   /* CONFIG SET parameter value */
    BITFIELD, /* the third behind SET */
    ZADD,     /* each second behind key and options */
};

static const struct rule {
    const char *command;
    enum hiding hiding;
    uint8_t first, step;
} rules[] = {
    { "AUTH", BEHIND, 0, 0 },
    { "APPEND", ONE, 1, 0 },
    { "GETSET", ONE, 1, 0 },
    { "LPUSHX", ONE, 1, 0 },
    { "GEORADIUSBYMEMBER", ONE, 1, 0 },
    { "RPUSHX", ONE, 1, 0 },
    { "SET", ONE, 1, 0 },
    { "SETNX", ONE, 1, 0 },
    { "SISMEMBER", ONE, 1, 0 },
    { "ZRANK", ONE, 1, 0 },
    { "ZREVRANK", ONE, 1, 0 },
    { "ZSCORE", ONE, 1, 0 },
    { "HSETNX", ONE, 2, 0 },
    { "LREM", ONE, 2, 0 },
    { "LSET", ONE, 2, 0 },
    { "SETBIT", ONE, 2, 0 },
    { "SETEX", ONE, 2, 0 },
    { "PSETEX", ONE, 2, 0 },
    { "SETRANGE", ONE, 2, 0 },
    { "ZINCRBY", ONE, 2, 0 },
    { "SMOVE", ONE, 2, 0 },
    { "RESTORE", ONE, 2, 0 },
    { "LINSERT", ONE, 3, 0 },
    { "GEOHASH", BEHIND, 1, 0 },
    { "GEOPOS", BEHIND, 1, 0 },
    { "GEODIST", BEHIND, 1, 0 },
    { "LPUSH", BEHIND, 1, 0 },
    { "RPUSH", BEHIND, 1, 0 },
    { "SREM", BEHIND, 1, 0 },
    { "ZREM", BEHIND, 1, 0 },
    { "SADD", BEHIND, 1, 0 },
    { "GEOADD", EACH, 3, 3 },
    { "HSET", EACH, 2, 2 },
    { "HMSET", EACH, 2, 2 },
    { "MSET", EACH, 1, 2 },
    { "MSETNX", EACH, 1, 2 },
    { "CONFIG", CONFIG, 2, 0 },
    { "BITFIELD", BITFIELD, 0, 0 },
    { "ZADD", ZADD, 0, 2 },
};

/* ---- one command ---- */

struct command {
    const struct rule *rule; /* NULL: its arguments are none that are known */
    struct weft_slice name;
    size_t count;      /* of arguments so far */
    size_t marker;     /* BITFIELD: where SET stands; ZADD: the first score; 0 = not known yet */
    bool is_set, done; /* CONFIG: it is CONFIG SET; nothing of it is hidden any more, or nothing written */
    size_t at;         /* where it begins in what is written */
};

static bool is_word(struct weft_slice text, const char *word)
{
    return text.length == strlen(word) && strncasecmp((const char *)text.bytes, word, text.length) == 0;
}

static const struct rule *rule_of(struct weft_slice name)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (is_word(name, rules[i].command)) {
            return &rules[i];
        }
    }
    return NULL;
}

static bool is_bitfield_value(struct command *command, struct weft_slice argument, size_t index)
{
    command->marker = is_word(argument, "SET") ? index : command->marker;
    command->done = command->marker > 0 && index - command->marker == 3;
    return command->done;
}

static bool is_zadd_member(struct command *command, struct weft_slice argument, size_t index)
{
    static const char *const options[] = { "NX", "XX", "CH", "INCR" };
    bool is_option = index == 0;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        is_option = is_option || weft_slice_equal_text(argument, options[i]);
    }
    command->marker = command->marker == 0 && !is_option ? index : command->marker;
    return command->marker > 0 && (index - command->marker) % 2 == 1;
}

static bool is_value(struct command *command, struct weft_slice argument, size_t index)
{
    const struct rule *rule = command->rule;
    switch (rule->hiding) {
    case ONE:
        return index == rule->first;
    case BEHIND:
        command->done = index == rule->first;
        return command->done;
    case EACH:
        return index >= rule->first && (index - rule->first) % rule->step == 0;
    case CONFIG:
        command->is_set = index == 0 ? is_word(argument, "SET") : command->is_set;
        return command->is_set && index == rule->first;
    case BITFIELD:
        return is_bitfield_value(command, argument, index);
    case ZADD:
        return is_zadd_member(command, argument, index);
    }
    return true;
}

static void begin_command(struct command *command, struct weft_slice name, struct weft_buffer *out)
{
    if (command->name.length > 0) {
        weft_buffer_append_byte(out, '\n');
    } else {
        out->length = command->at; /* arguments of no command */
    }
    *command = (struct command){ .rule = rule_of(name), .name = name, .at = out->length };
    weft_buffer_append(out, name.bytes, name.length);
}

static void put_argument(struct command *command, struct weft_slice argument, struct weft_buffer *out)
{
    size_t index = command->count++;
    bool is_over = command->done && command->rule->hiding == BEHIND;
    if (is_over) {
        return;
    }
    weft_buffer_append_byte(out, ' ');
    if (command->rule != NULL && !command->done && is_value(command, argument, index)) {
        weft_buffer_append_byte(out, '?');
    } else {
        weft_buffer_append(out, argument.bytes, argument.length);
    }
}

/* ---- parting ---- */

struct reader {
    struct weft_slice text; /* trimmed: its last byte is no space */
    size_t at;
    bool is_in_command; /* arguments come */
};

/* Over a run of spaces; an end of the line behind them is one of the command. */
static void skip_spaces(struct reader *reader)
{
    struct weft_slice text = reader->text;
    while (reader->at < text.length &&
           (text.bytes[reader->at] == ' ' || text.bytes[reader->at] == '\t' || text.bytes[reader->at] == '\r')) {
        reader->at++;
    }
    if (reader->at < text.length && text.bytes[reader->at] == '\n') {
        reader->at++;
        reader->is_in_command = false;
    }
}

static struct weft_slice read_name(struct reader *reader)
{
    struct weft_slice text = reader->text;
    if (reader->at < text.length && text.bytes[reader->at] == ' ') {
        skip_spaces(reader);
    }
    size_t from = reader->at;
    while (reader->at < text.length && text.bytes[reader->at] != ' ' && text.bytes[reader->at] != '\n') {
        reader->at++;
    }
    struct weft_slice name = weft_slice_of(text.bytes + from, reader->at - from);
    if (reader->at < text.length && text.bytes[reader->at] == ' ') {
        reader->is_in_command = true;
        skip_spaces(reader);
    } else {
        reader->at += reader->at < text.length;
    }
    return name;
}

/* To a space or the end of the line outside double quotes. */
static struct weft_slice read_argument(struct reader *reader)
{
    struct weft_slice text = reader->text;
    size_t from = reader->at;
    bool is_quoted = false;
    bool is_escaped = false;
    for (; reader->at < text.length; reader->at++) {
        uint8_t byte = text.bytes[reader->at];
        if (!is_quoted && (byte == ' ' || byte == '\n')) {
            break;
        }
        is_quoted = byte == '"' && !is_escaped ? !is_quoted : is_quoted;
        is_escaped = byte == '\\' && !is_escaped;
    }
    struct weft_slice argument = weft_slice_of(text.bytes + from, reader->at - from);
    if (reader->at < text.length && text.bytes[reader->at] == ' ') {
        skip_spaces(reader);
    } else if (reader->at < text.length) {
        reader->at++;
        reader->is_in_command = false;
    }
    return argument;
}

void weft_sanitize_redis(struct weft_slice commands, struct weft_buffer *out)
{
    struct reader reader = { .text = weft_sanitize_trim(commands) };
    struct command command = { .at = out->length };
    while (reader.at < reader.text.length) {
        if (reader.is_in_command) {
            put_argument(&command, read_argument(&reader), out);
        } else {
            begin_command(&command, read_name(&reader), out);
        }
    }
}

void weft_sanitize_memcached(struct weft_slice command, struct weft_buffer *out)
{
    const uint8_t *end = command.length == 0 ? NULL : memmem(command.bytes, command.length, "\r\n", 2);
    size_t length = end == NULL ? command.length : (size_t)(end - command.bytes);
    struct weft_slice line = weft_sanitize_trim(weft_slice_of(command.bytes, length));
    weft_buffer_append(out, line.bytes, line.length);
}
