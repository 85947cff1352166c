/* The kernel's random numbers: all bytes are filled, none twice the same. */
#include "base/base_test.h"

#include <string.h>

#include "base/random.h"

START_TEST(test_every_byte_is_filled)
{
    enum { BYTES = 1000 }; /* more than the kernel gives without being interruptible */
    uint8_t seen[BYTES] = { 0 };
    for (size_t round = 0; round < 20; round++) {
        uint8_t bytes[BYTES + 1] = { 0 };
        weft_random_bytes(bytes, BYTES);
        ck_assert_uint_eq(bytes[BYTES], 0);
        for (size_t i = 0; i < BYTES; i++) {
            seen[i] |= bytes[i];
        }
    }
    for (size_t i = 0; i < BYTES; i++) {
        BASE_TEST_EXPECT(seen[i] != 0); /* 20 zeros in one place: 1 in 256^20 */
    }
}
END_TEST

START_TEST(test_numbers_differ)
{
    uint64_t first = weft_random_u64();
    ck_assert_uint_ne(first, weft_random_u64());
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_every_byte_is_filled),
        BASE_TEST(test_numbers_differ),
    };
    return BASE_TEST_RUN("random", tests);
}
