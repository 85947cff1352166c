/* Passwords in every form that htpasswd files have; the kept forms were made by openssl passwd, Python's crypt and
 * hashlib. */
#include <check.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/password.h"
#include "suite.h"

static const struct {
    const char *kept;
    const char *password;
    bool is_slow;
} kept[] = {
    { "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0", "secret", true },
    { "$apr1$saltsalt$oN/R3H1T.1bODoLY26a8G/", "a password longer than sixteen bytes", true },
    { "$apr1$s$e2aCb9PLCjZ2t55SoAxXn.", "", true },
    { "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1", "secret", true },
    { "$5$abcd$BgCbKzckrgGdFcL/gWllSOkKJCXQV5rwJeTh9xnsJ1D", "secret", true },
    { "$6$abcd$2xnokga/nDtRjwwaEJ4P2es2v4q8kfckDGncd4naCsE699Y0JnDNWStYgMPa.X.VcIxFM3oLKIRKkAYD33oqG.", "secret",
      true },
    { "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", "secret", true },
    { "$2a$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", "secret", true },
    { "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", "secret", true },
    { "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret", false },
    { "{SSHA}8bX4JQDfZqtTfvnQ4ssDmWb17/FTQUxU", "secret", false },
    { "secret", "secret", false },
    { "{PLAIN}secret", "secret", false },
    { "{PLAIN}secret", "{PLAIN}secret", false },
    { "", "", false },
};

START_TEST(test_every_form_matches_its_password_only)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(kept); i++) {
        struct weft_slice password = weft_slice_of_text(kept[i].password);
        char other[64];
        ck_assert_msg(weft_password_is_valid(kept[i].kept), "%s", kept[i].kept);
        ck_assert_msg(weft_password_matches(kept[i].kept, password), "%s", kept[i].kept);
        ck_assert_int_eq(weft_password_is_slow(kept[i].kept), kept[i].is_slow);
        snprintf(other, sizeof other, "%sx", kept[i].password);
        ck_assert_msg(!weft_password_matches(kept[i].kept, weft_slice_of_text(other)), "%s", kept[i].kept);
        other[0] ^= 1;
        other[password.length] = '\0';
        ck_assert_msg(!weft_password_matches(kept[i].kept, weft_slice_of_text(other)) || password.length == 0, "%s",
                      kept[i].kept);
    }
}
END_TEST

START_TEST(test_broken_forms_match_nothing)
{
    static const char *const broken[] = {
        "$apr1$saltsalt", "$2b$05$short", "{SHA}5en6", "{SHA}!", "{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "$1$x"
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(broken); i++) {
        ck_assert_msg(!weft_password_is_valid(broken[i]), "%s", broken[i]);
        ck_assert(!weft_password_matches(broken[i], WEFT_SLICE_LITERAL("secret")));
        ck_assert(!weft_password_matches(broken[i], weft_slice_of_text(broken[i])));
    }
}
END_TEST

START_TEST(test_what_no_file_can_keep_matches_nothing)
{
    static char text[WEFT_PASSWORD_MAX_BYTES + 2];
    memset(text, 'a', sizeof text - 1);
    ck_assert(!weft_password_matches(text, weft_slice_of_text(text)));
    text[WEFT_PASSWORD_MAX_BYTES] = '\0';
    ck_assert(weft_password_matches(text, weft_slice_of_text(text)));
    ck_assert(!weft_password_matches("secret", WEFT_SLICE_LITERAL("secret\0")));
    ck_assert(!weft_password_matches(kept[6].kept, WEFT_SLICE_LITERAL("secret\0x")));
}
END_TEST

START_TEST(test_without_memory_nothing_matches)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(kept); i++) {
        weft_alloc_fail_at(1);
        bool matches = weft_password_matches(kept[i].kept, weft_slice_of_text(kept[i].password));
        weft_alloc_fail_at(0);
        ck_assert(!matches || strncmp(kept[i].kept, "$", 1) != 0);
    }
}
END_TEST

START_TEST(test_secrets_are_equal_only_in_full)
{
    ck_assert(weft_secret_equal(WEFT_SLICE_EMPTY, WEFT_SLICE_LITERAL("")));
    ck_assert(weft_secret_equal(WEFT_SLICE_LITERAL("ab"), WEFT_SLICE_LITERAL("ab")));
    ck_assert(!weft_secret_equal(WEFT_SLICE_LITERAL("ab"), WEFT_SLICE_LITERAL("abc")));
    ck_assert(!weft_secret_equal(WEFT_SLICE_LITERAL("ab"), WEFT_SLICE_LITERAL("ac")));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("password");
    TCase *tcase = tcase_create("password");
    tcase_add_test(tcase, test_every_form_matches_its_password_only);
    tcase_add_test(tcase, test_broken_forms_match_nothing);
    tcase_add_test(tcase, test_what_no_file_can_keep_matches_nothing);
    tcase_add_test(tcase, test_without_memory_nothing_matches);
    tcase_add_test(tcase, test_secrets_are_equal_only_in_full);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
