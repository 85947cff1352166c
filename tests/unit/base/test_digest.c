/* Digests: what the standards and their test vectors say (FIPS 180-4, FIPS 202, RFC 1321, RFC 4231), and reuse. */
#include "base/digest.h"

#include "base/alloc.h"
#include "base_test.h"

static const struct {
    enum weft_digest_kind kind;
    const char *text, *hex;
} vectors[] = {
    { WEFT_DIGEST_MD5, "", "d41d8cd98f00b204e9800998ecf8427e" },
    { WEFT_DIGEST_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72" },
    { WEFT_DIGEST_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
    { WEFT_DIGEST_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
    { WEFT_DIGEST_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { WEFT_DIGEST_SHA512, "abc",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
      "454d4423643ce80e2a9ac94fa54ca49f" },
    { WEFT_DIGEST_SHA3_256, "", "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a" },
    { WEFT_DIGEST_SHA3_256, "abc", "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532" },
};

static void expect_hex(struct weft_digest *digest, const char *text, const char *expected)
{
    char hex[WEFT_DIGEST_MAX_HEX + 1];
    size_t length = weft_digest_compute_hex(digest, weft_slice_of_text(text), hex);
    hex[length] = 0;
    ck_assert_str_eq(hex, expected);
}

START_TEST(test_plain_digests_are_those_of_the_standards)
{
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct weft_digest *digest;
        ck_assert(weft_digest_new(vectors[i].kind, NULL, &digest, NULL) == WEFT_OK);
        for (int times = 0; times < 3; times++) {
            expect_hex(digest, vectors[i].text, vectors[i].hex);
        }
        weft_digest_free(&digest);
        ck_assert_ptr_null(digest);
    }
}
END_TEST

static void expect_keyed(enum weft_digest_kind kind, struct weft_slice key, const char *text, const char *expected)
{
    struct weft_digest *digest;
    ck_assert(weft_digest_new(kind, &key, &digest, NULL) == WEFT_OK);
    expect_hex(digest, text, expected);
    expect_hex(digest, text, expected);
    weft_digest_free(&digest);
}

/* RFC 4231, cases 2 and 6: a key that is shorter than a block, and one that is longer. */
START_TEST(test_keyed_digests_are_those_of_the_standard)
{
    static const char *const question = "what do ya want for nothing?";
    static const char *const larger = "Test Using Larger Than Block-Size Key - Hash Key First";
    uint8_t long_key[131];
    memset(long_key, 0xaa, sizeof long_key);
    expect_keyed(WEFT_DIGEST_SHA256, WEFT_SLICE_LITERAL("Jefe"), question,
                 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    expect_keyed(WEFT_DIGEST_SHA512, WEFT_SLICE_LITERAL("Jefe"), question,
                 "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                 "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
    expect_keyed(WEFT_DIGEST_SHA256, weft_slice_of(long_key, sizeof long_key), larger,
                 "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    expect_keyed(WEFT_DIGEST_SHA512, weft_slice_of(long_key, sizeof long_key), larger,
                 "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352"
                 "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598");
}
END_TEST

START_TEST(test_no_memory_is_said)
{
    struct weft_digest *digest = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    weft_alloc_fail_at(1);
    ck_assert(weft_digest_new(WEFT_DIGEST_SHA1, NULL, &digest, &error) == WEFT_NOMEM);
    weft_alloc_fail_at(0);
    ck_assert_ptr_null(digest);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_plain_digests_are_those_of_the_standards),
        BASE_TEST(test_keyed_digests_are_those_of_the_standard),
        BASE_TEST(test_no_memory_is_said),
    };
    return BASE_TEST_RUN("digest", tests);
}
