/* Mail (mail.h): out, to the stage that is looked up on the receiver's own thread, and back. */
#include "pipeline/mail.h"

#include "base/assert.h"
#include "pipeline/stage.h"

static struct weft_mail *mail_of(struct weft_message *message)
{
    struct weft_mail *mail = WEFT_CONTAINER_OF(message, struct weft_mail, message);
    weft_check_magic(mail, mail);
    return mail;
}

static void mail_came_back(struct weft_message *message)
{
    struct weft_mail *mail = mail_of(message);
    weft_assert(mail->is_away && weft_host_is_here(mail->post->hosts[mail->from_worker]));
    weft_clear_magic(mail, mail);
    mail->is_away = false;
    mail->on_returned(mail);
}

static void mail_came(struct weft_message *message)
{
    struct weft_mail *mail = mail_of(message);
    weft_assert(weft_host_is_here(mail->post->hosts[mail->to_worker]));
    struct weft_stage *stage = weft_stage_find(mail->post->hosts[mail->to_worker], mail->to);
    if (stage != NULL) {
        mail->was_received = true;
        mail->on_arrived(mail, stage);
    }
    mail->message.on_delivered = mail_came_back;
    mail->post->send(mail->post, mail->to_worker, mail->from_worker, &mail->message);
}

void weft_mail_send(struct weft_host *host, struct weft_mail *mail, const struct weft_stage_identity *to,
                    uint32_t to_worker)
{
    weft_assert(weft_host_is_here(host) && host->post->hosts[host->worker_index] == host);
    weft_assert(mail->on_arrived != NULL && mail->on_returned != NULL);
    weft_assert(!mail->is_away && to_worker != host->worker_index && to_worker < host->post->worker_count);
    weft_set_magic(mail, mail);
    mail->message.on_delivered = mail_came;
    mail->post = host->post;
    mail->from_worker = host->worker_index;
    mail->to_worker = to_worker;
    mail->to = to;
    mail->is_away = true;
    mail->was_received = false;
    host->post->send(host->post, host->worker_index, to_worker, &mail->message);
}
