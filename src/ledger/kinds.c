/* The words of the ledger: account kinds, their classes and drop reasons, from number to text and back. The file stores
 * the texts; a text that no row has is another build's. */
#include <string.h>

#include "base/assert.h"
#include "ledger/layout.h"

#define TEXT_OF(name, text, ...) text,

static const char *const kind_texts[WEFT_ACCOUNT_COUNT] = { WEFT_ACCOUNT_ROWS(TEXT_OF) };
static const char *const class_texts[WEFT_ACCOUNT_CLASS_COUNT] = { WEFT_ACCOUNT_CLASS_ROWS(TEXT_OF) };
static const char *const reason_texts[WEFT_DROP_COUNT] = { WEFT_DROP_ROWS(TEXT_OF) };

/* As many names as there are texts if there is none. */
static size_t find_text(const char *const *texts, size_t count, const char *text)
{
    size_t index = 0;
    while (index < count && strcmp(texts[index], text) != 0) {
        index++;
    }
    return index;
}

const char *weft_account_kind_text(enum weft_account_kind kind)
{
    weft_assert((size_t)kind < WEFT_ACCOUNT_COUNT);
    return kind_texts[kind];
}

enum weft_account_kind weft_account_kind_of_text(const char *text)
{
    return (enum weft_account_kind)find_text(kind_texts, WEFT_ACCOUNT_COUNT, text);
}

enum weft_account_class weft_account_class_of(enum weft_account_kind kind)
{
    static const enum weft_account_class classes[WEFT_ACCOUNT_COUNT] = {
#define ACCOUNT_CLASS(name, text, class) [WEFT_ACCOUNT_##name] = WEFT_ACCOUNT_CLASS_##class,
        WEFT_ACCOUNT_ROWS(ACCOUNT_CLASS)
#undef ACCOUNT_CLASS
    };
    weft_assert((size_t)kind < WEFT_ACCOUNT_COUNT);
    return classes[kind];
}

const char *weft_account_class_text(enum weft_account_class account_class)
{
    weft_assert((size_t)account_class < WEFT_ACCOUNT_CLASS_COUNT);
    return class_texts[account_class];
}

enum weft_account_class weft_account_class_of_text(const char *text)
{
    return (enum weft_account_class)find_text(class_texts, WEFT_ACCOUNT_CLASS_COUNT, text);
}

const char *weft_drop_reason_text(enum weft_drop_reason reason)
{
    weft_assert((size_t)reason < WEFT_DROP_COUNT);
    return reason_texts[reason];
}

enum weft_drop_reason weft_drop_reason_of_text(const char *text)
{
    return (enum weft_drop_reason)find_text(reason_texts, WEFT_DROP_COUNT, text);
}

bool weft_drop_reason_is_ok(enum weft_drop_reason reason)
{
    static const bool are_ok[WEFT_DROP_COUNT] = {
#define DROP_IS_OK(name, text, is_ok) [WEFT_DROP_##name] = is_ok,
        WEFT_DROP_ROWS(DROP_IS_OK)
#undef DROP_IS_OK
    };
    weft_assert((size_t)reason < WEFT_DROP_COUNT);
    return are_ok[reason];
}
