# Where a library is missing, nginx's configure ends and says what to install.

use strict;
use warnings;

use File::Path qw(make_path remove_tree);
use Test::More;

my $dir = 'build/probes';

remove_tree($dir);
make_path($dir);

for my $case (['openssl/', 'OpenSSL', 'libssl-dev'],
              ['cjson/', 'cJSON', 'libcjson-dev'],
              ['sqlite3.h', 'SQLite', 'libsqlite3-dev'])
{
    my ($header, $name, $package) = @$case;

    # a compiler that does not know the header
    open my $fh, '>', "$dir/cc" or die $!;
    print $fh <<"END";
#!/bin/sh
for arg; do
    case \$arg in
        *autotest.c) grep -q '<$header' "\$arg" && exit 1 ;;
    esac
done
exec cc "\$@"
END
    close $fh;
    chmod 0755, "$dir/cc";

    chomp(my $cwd = `pwd`);
    local $ENV{CC} = "$cwd/$dir/cc";
    my $said = `t/tools/build.sh module $dir/$package 2>&1`;

    isnt $?, 0, "without $name configure fails";
    like $said, qr/error: the jamhook module needs $name/, "names $name";
    like $said, qr/apt-get install $package/, "names $package";
}

done_testing;
