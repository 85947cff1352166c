/* How OpenSSL ends (openssl.h). Only its locks are set up here: tables come with the first digest or TLS context. */
#include "base/openssl.h"

#include <openssl/crypto.h>

#include "base/assert.h"

void weft_openssl_set_up(void)
{
    weft_assert(OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL) == 1);
}
