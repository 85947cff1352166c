/* Intrusive list against an array of the same operations. */
#include "base/base_test.h"

#include <string.h>

#include "base/list.h"

enum { ITEMS = 32 };

struct item {
    int number;
    struct weft_list link;
};

static struct item *item_of(struct weft_list *node)
{
    return WEFT_CONTAINER_OF(node, struct item, link);
}

static void expect_order(const struct weft_list *head, const int *model, size_t count)
{
    size_t at = 0;
    WEFT_LIST_EACH(node, head)
    {
        BASE_TEST_EXPECT(at < count && item_of(node)->number == model[at]);
        BASE_TEST_EXPECT(node->next->previous == node);
        at++;
    }
    BASE_TEST_EXPECT(at == count);
    BASE_TEST_EXPECT(weft_list_is_empty(head) == (count == 0));
}

static void model_remove(int *model, size_t *count, int number)
{
    for (size_t i = 0; i < *count; i++) {
        if (model[i] == number) {
            memmove(model + i, model + i + 1, (*count - i - 1) * sizeof *model);
            (*count)--;
            return;
        }
    }
}

START_TEST(test_random_operations_match_an_array)
{
    struct weft_list head;
    struct item items[ITEMS];
    int model[ITEMS];
    size_t count = 0;
    weft_list_init(&head);
    for (int i = 0; i < ITEMS; i++) {
        items[i].number = i;
        weft_list_init(&items[i].link);
    }
    uint64_t random = 5;
    for (size_t step = 0; step < 20000; step++) {
        struct item *item = &items[base_test_random(&random) % ITEMS];
        weft_list_remove(&item->link); /* harmless when it is on no list */
        model_remove(model, &count, item->number);
        switch (base_test_random(&random) % 4) {
        case 0:
            weft_list_push_back(&head, &item->link);
            model[count++] = item->number;
            break;
        case 1:
            weft_list_push_front(&head, &item->link);
            memmove(model + 1, model, count * sizeof *model);
            model[0] = item->number;
            count++;
            break;
        case 2: {
            struct weft_list *first = weft_list_pop_front(&head);
            ck_assert_int_eq(first == NULL, count == 0);
            if (first != NULL) {
                ck_assert_int_eq(item_of(first)->number, model[0]);
                model_remove(model, &count, model[0]);
            }
            break;
        }
        default:
            break;
        }
        expect_order(&head, model, count);
    }
}
END_TEST

START_TEST(test_insert_before_puts_in_the_middle)
{
    struct weft_list head;
    struct item items[3] = { { .number = 0 }, { .number = 1 }, { .number = 2 } };
    weft_list_init(&head);
    ck_assert_ptr_null(weft_list_first(&head));
    ck_assert_ptr_null(weft_list_pop_front(&head));
    weft_list_push_back(&head, &items[0].link);
    weft_list_push_back(&head, &items[2].link);
    weft_list_insert_before(&items[2].link, &items[1].link);
    expect_order(&head, (const int[]){ 0, 1, 2 }, 3);
    ck_assert_ptr_eq(weft_list_first(&head), &items[0].link);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_random_operations_match_an_array),
        BASE_TEST(test_insert_before_puts_in_the_middle),
    };
    return BASE_TEST_RUN("list", tests);
}
