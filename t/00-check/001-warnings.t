# The module compiles without a warning under gcc and clang.

use strict;
use warnings;

use Test::More;

for my $cc (qw(gcc clang)) {
    local @ENV{qw(CC WERROR)} = ($cc, 1);

    my $said = `t/tools/build.sh module build/warnings-$cc 2>&1`;

    is $?, 0, "$cc -Wall -Wextra -Werror" or diag $said;
    unlike $said, qr/warning:/, "$cc has nothing to say";
}

done_testing;
