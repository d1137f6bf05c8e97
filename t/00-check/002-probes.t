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


# libpq is optional: without it a line says so, and the directive

{
    open my $fh, '>', "$dir/cc" or die $!;
    print $fh <<"END";
#!/bin/sh
for arg; do
    case \$arg in
        *autotest.c) grep -q '<libpq-fe.h' "\$arg" && exit 1 ;;
    esac
done
exec cc "\$@"
END
    close $fh;
    chmod 0755, "$dir/cc";

    chomp(my $cwd = `pwd`);
    local $ENV{CC} = "$cwd/$dir/cc";
    local $ENV{WERROR} = 1;
    my $said = `t/tools/build.sh module $dir/libpq-dev 2>&1`;

    is $?, 0, 'without libpq it is built, without a warning' or diag $said;
    like `cat $dir/libpq-dev/configure.log`,
         qr/^ \+ jamhook without PostgreSQL: no libpq 14 or later/m,
         '... and configure says what is left out';

    my $module = "$cwd/$dir/libpq-dev/ngx_http_jamhook_module.so";

    unlike `ldd $module`, qr/libpq/, '... it does not need libpq';
    is system("JAMHOOK_MODULE=$module prove -Q "
                 . "t/10-conf/088-postgresql.t > /dev/null"), 0,
       '... and jamhook_store says how to get it';
}

done_testing;
