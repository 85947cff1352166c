#pragma once

/* OpenSSL would take itself down in an exit handler. Threads that nobody waits for (helper.h) may be inside it then,
 * with the files of a reload say, and would find nothing where its locks were. So it stays, and the system takes it
 * with the process. To be called once, before anything else of OpenSSL is. */
void weft_openssl_set_up(void);
