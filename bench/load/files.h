#pragma once

#include "load/run.h"

/* Log lines appended to files in turn, each request's lines to one file: directory/NUMBER.log. The files are there
 * from the start. A request counts as acknowledged when it is written: whoever reads files can miss none. Open loop
 * only. */
struct load_result files_run(const struct load_options *options, struct load_account *account);
