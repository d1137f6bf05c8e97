# The harnesses of t/fuzz, built with libFuzzer and sanitizers: what was found
# once is found no more, and some thousands of inputs of its own find nothing.

use strict;
use warnings;

use Test::More;

# t/tools/test.sh has built them; by itself this does

my $dir = 'build/fuzz';

if (!-x "$dir/fuzz_json" || !$ENV{JAMHOOK_TOP}) {
    my $said = `t/tools/fuzz.sh $dir 2>&1`;
    is $?, 0, 'the harnesses are built' or BAIL_OUT $said;
}

my @harnesses = map { m{fuzz_(\w+)\.c$} } glob 't/fuzz/fuzz_*.c';

cmp_ok scalar @harnesses, '>', 10, 'there are harnesses';

for my $what (@harnesses) {
    my @seeds = glob "t/fuzz/seeds/$what/*";
    cmp_ok scalar @seeds, '>', 0, "$what has seeds";

    SKIP: {
        skip 'built without PostgreSQL', 1
            if $what eq 'uri' && !-x "$dir/fuzz_uri";

        my @found = glob "t/fuzz/found/$what/*";
        my $said = `$dir/fuzz_$what -timeout=10 @seeds @found 2>&1`;

        is $?, 0, "$what: " . @seeds . ' seeds, ' . @found . ' found once'
            or diag $said;
    }
}

# a few of its own, always the same

my $said = `FUZZ_RUNS=3000 t/fuzz/run.sh $dir 2>&1`;

is $?, 0, 'nothing new' or diag $said;

is scalar(() = $said =~ /^(\w+) +\d+ +\d+ +\d+ +\d+ +\d+  0$/mg),
   scalar(() = glob "$dir/fuzz_*"), 'and each was run' or diag $said;

# a harness that can find nothing is no proof: each check ends the process

mkdir "$dir/probe";
open my $fh, '>', "$dir/probe/fuzz_probe.c" or die $!;
print $fh <<'END';
#include "fuzz.h"
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(size < 2 || data[0] != 'j' || data[1] != 'h');
    return 0;
}
END
close $fh;

my $inc = join ' ', map { "-I /usr/share/nginx/src/src/$_" }
          qw(core event event/modules event/quic os/unix);
$inc = $ENV{NGX_INC} || "-I build/objs $inc";

$said = `clang -fsanitize=fuzzer,address -D_GNU_SOURCE -I t/fuzz -I t/unit \\
         $inc -o $dir/probe/probe $dir/probe/fuzz_probe.c $dir/rooms.a \\
         -fsanitize=undefined -lcjson -lcrypto -lm 2>&1`;
is $?, 0, 'a probe is built' or diag $said;

$said = `$dir/probe/probe -seed=1 -runs=200000 \\
         -artifact_prefix=$dir/probe/ 2>&1`;
isnt $?, 0, 'it finds two letters';
like $said, qr/does not hold: size < 2/, 'and says what does not hold';

done_testing;
