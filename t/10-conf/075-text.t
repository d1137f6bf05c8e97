# modes: plain
#
# The second reading of the configuration's text costs little.

use lib 't/lib';
use Test::More;
use Jamhook::Nginx;

my $nginx = Jamhook::Nginx->new(stopped => 1, http => q{
    geo $place { default 0; include %{dir}/geo.conf; }
}, server => q{
    location = /jam { jamhook_pass e; jamhook_verify keys/P1.key; }
    location = /e {
        jamhook_endpoint e;
        jamhook_sign off;
        proxy_pass https://127.0.0.1:1/;
    }
});

my $geo = $nginx->dir . '/geo.conf';

Jamhook::Env::write_file($geo, join '', map {
    sprintf "10.%d.%d.%d/32 %d;\n", $_ >> 16, ($_ >> 8) & 255, $_ & 255, $_
} 1 .. 60_000);

my $dir = $nginx->dir;
my $said = `ulimit -v 400000;
            $Jamhook::Env::NGINX -t -e stderr -p $dir/ -c $dir/nginx.conf 2>&1`;

is $?, 0, 'a large include needs no memory to speak of';
like $said, qr/"proxy_ssl_verify" is off/, '... and is read to the end';

done_testing;
