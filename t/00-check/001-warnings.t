# The module and its command line compile without a warning under gcc and clang.

use strict;
use warnings;

use Test::More;

for my $cc (qw(gcc clang)) {
    local @ENV{qw(CC WERROR)} = ($cc, 1);

    my $said = `t/tools/build.sh module build/warnings-$cc 2>&1`;

    is $?, 0, "$cc -Wall -Wextra -Werror" or diag $said;
    unlike $said, qr/warning:/, "$cc has nothing to say";

    $said = `t/tools/tool.sh build/warnings-$cc 2>&1`;

    is $?, 0, "$cc: so does the command line" or diag $said;
}

done_testing;
